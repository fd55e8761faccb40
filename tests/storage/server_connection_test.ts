import assert from "node:assert/strict";
import { Connection } from "../../src/storage/_server_connection.ts";
import type { SqlResult, SqlSession } from "../../src/storage/_sql_session.ts";

/** A session without a server. */
class FakeSession implements SqlSession {
  isOpen = true;
  isHeld = true;
  readonly maxLength = Infinity;
  /** What was sent, in order. */
  readonly sent: string[] = [];

  async query(sql: string): Promise<SqlResult> {
    this.sent.push(sql);
    await Promise.resolve();
    if (!this.isOpen) throw new Error("lost");
    return { rows: [], changes: 0, id: undefined };
  }

  hold(isBusy: boolean): void {
    this.isHeld = isBusy;
  }

  tryLock(): Promise<boolean> {
    return Promise.resolve(true);
  }

  unlock(): Promise<void> {
    return Promise.resolve();
  }

  holder(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  close(): Promise<void> {
    this.isOpen = false;
    return Promise.resolve();
  }
}

/** A connection, and the sessions that it has opened. */
function connection(idleTime = Infinity): { connection: Connection; sessions: FakeSession[] } {
  const sessions: FakeSession[] = [];
  const connect = () => {
    const session = new FakeSession();
    sessions.push(session);
    return Promise.resolve(session);
  };
  return { connection: new Connection(connect, idleTime), sessions };
}

Deno.test("Connection opens one session for all who use it, and lets the process go", async () => {
  const { connection: one, sessions } = connection();
  await Promise.all(["a", "b", "c"].map((sql) => one.use((session) => session.query(sql))));
  assert.equal(sessions.length, 1);
  assert.deepEqual(sessions[0]?.sent, ["a", "b", "c"]);
  assert.equal(sessions[0]?.isHeld, false);
  await one.use((session) => {
    assert.equal(sessions[0]?.isHeld, true);
    return session.query("d");
  });
  assert.equal(sessions[0]?.isHeld, false);
  await one.close();
  assert.equal(sessions[0]?.isOpen, false);
});

Deno.test("Connection lets nothing come between what is sent alone", async () => {
  const { connection: one, sessions } = connection();
  const alone = (name: string) =>
    one.useAlone(async (session) => {
      for (const step of ["begin", "work", "commit"]) await session.query(`${name} ${step}`);
    });
  await Promise.all([
    ...[one.use((session) => session.query("first")), alone("a")],
    ...[one.use((session) => session.query("second")), alone("b"), alone("c")],
    one.use((session) => session.query("third")),
  ]);
  const sent = sessions[0]?.sent ?? [];
  assert.equal(sent.length, 3 + 3 * 3);
  for (const name of ["a", "b", "c"]) {
    const start = sent.indexOf(`${name} begin`);
    const expected = ["begin", "work", "commit"].map((step) => `${name} ${step}`);
    assert.deepEqual(sent.slice(start, start + 3), expected, sent.join());
  }
});

Deno.test("Connection goes on after what was sent alone has failed", async () => {
  const { connection: one } = connection();
  const failing = one.useAlone(() => Promise.reject(new Error("failed")));
  const others = [one.use((session) => session.query("a")), one.useAlone(() => Promise.resolve())];
  await assert.rejects(failing, /failed/);
  await Promise.all(others);
});

Deno.test("Connection opens another session where one was lost, and sends once more", async () => {
  const { connection: one, sessions } = connection();
  await one.use((session) => session.query("before"));
  const [first] = sessions;
  assert(first !== undefined);
  // Lost, without anybody having noticed.
  first.query = () => {
    first.isOpen = false;
    return Promise.reject(new Error("lost"));
  };
  await Promise.all([
    one.use((session) => session.query("a")),
    one.useAlone((session) => session.query("b")),
  ]);
  assert.equal(sessions.length, 2);
  assert.deepEqual(sessions[1]?.sent.toSorted(), ["a", "b"]);
});

Deno.test("Connection gives up where the second session is lost as well", async () => {
  const { connection: one, sessions } = connection();
  const lost = one.use((session) => {
    (session as FakeSession).isOpen = false;
    return session.query("a");
  });
  await assert.rejects(lost, /lost/);
  assert.equal(sessions.length, 2);
  await one.use((session) => session.query("b"));
  assert.equal(sessions.length, 3);
});

Deno.test("Connection sends nothing again that a server has refused", async () => {
  const { connection: one, sessions } = connection();
  let times = 0;
  const refused = one.use(() => {
    times++;
    return Promise.reject(new Error("refused"));
  });
  await assert.rejects(refused, /refused/);
  assert.deepEqual([times, sessions.length], [1, 1]);
});

Deno.test("Connection tries to connect again after it could not", async () => {
  let times = 0;
  const session = new FakeSession();
  const one = new Connection(() => {
    return times++ === 0 ? Promise.reject(new Error("refused")) : Promise.resolve(session);
  }, Infinity);
  const both = [1, 2].map(() => assert.rejects(one.use((each) => each.query("a")), /refused/));
  await Promise.all(both);
  assert.equal(times, 1);
  await one.use((each) => each.query("b"));
  assert.deepEqual(session.sent, ["b"]);
});

Deno.test("Connection ends a session that nobody uses, and opens another when it is used", async () => {
  const { connection: one, sessions } = connection(10);
  await one.use((session) => session.query("a"));
  while (sessions[0]?.isOpen === true) await new Promise((resolve) => setTimeout(resolve, 1));
  await one.use((session) => session.query("b"));
  assert.deepEqual(sessions.map(({ sent }) => sent), [["a"], ["b"]]);
  await one.close();
});
