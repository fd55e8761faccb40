import assert from "node:assert/strict";
import { PERMISSIONS } from "../storage/_child.ts";
import { filesBelow } from "../storage/_temporary_folder.ts";
import { computeAll, EACH_ONCE, ended } from "./_process_tests.ts";
import { type Caller, Shared } from "./_processes.ts";

/** Lets two processes want the same calls: each runs them itself, and says once why. */
async function runWithoutLocks(callers: readonly Caller[], reason: RegExp): Promise<void> {
  for (const caller of callers) {
    await caller.tell("call hold 1");
    await caller.until("running hold 1");
    await caller.tell("call hold 2");
    await caller.until("running hold 2");
  }
  for (const caller of callers) {
    await caller.tell("go");
    await caller.until("hold");
    await caller.until("hold");
    await caller.end();
    const [warning = "", ...others] = caller.warnings;
    assert.match(warning, reason);
    assert.match(warning, /several processes may run the same call at the same time/);
    assert.deepEqual(others, []);
    assert.equal(caller.lines.filter((line) => / = held \d$/.test(line)).length, 2);
  }
}

Deno.test("fleche() runs each call once in processes that share files of calls", async () => {
  using shared = new Shared();
  const callers = await shared.at(`file:${shared.path}/calls`).start(3);
  await computeAll(callers);
  assert.deepEqual(shared.runs(), EACH_ONCE);
  await ended(callers);
  assert.deepEqual(filesBelow(`${shared.path}/calls/locks`), []);
});

Deno.test("fleche() runs a call in each process where locks cannot be tried", async () => {
  using shared = new Shared();
  await runWithoutLocks(await shared.start(2, "no-trying"), /Deno 2\.8/);
  assert.deepEqual(shared.locks(), []);
});

Deno.test("fleche() runs a call in each process where the file system has no locks", async () => {
  using shared = new Shared();
  await runWithoutLocks(await shared.start(2, "no-locks"), /Operation not supported/);
  assert.deepEqual(shared.locks(), []);
});

Deno.test("fleche() runs a call in each process where the folder cannot be written to", async () => {
  using shared = new Shared();
  const permissions = [...PERMISSIONS, `--deny-write=${shared.url}.locks`];
  await runWithoutLocks(await shared.with(permissions).start(2), /Cannot lock files in .*locks/);
  assert.deepEqual(shared.locks(), []);
});

Deno.test("fleche() goes on where the lock files are taken away under the hands", async () => {
  using shared = new Shared();
  const [first, second] = await shared.start(2);
  assert(first !== undefined && second !== undefined);
  await first.tell("call hold 1");
  await first.until("running hold 1");
  await second.tell("call hold 1");
  await second.tell("call hold 2");
  await second.until("running hold 2");
  Deno.removeSync(`${shared.url}.locks`, { recursive: true });
  // Now it can be claimed by whoever waits.
  await second.until("running hold 1");
  await first.tell("call hold 3");
  await first.until("running hold 3");
  for (const [caller, calls] of [[first, [1, 3]], [second, [1, 2]]] as const) {
    await caller.tell("go");
    for (const _ of calls) await caller.until("hold");
    assert.deepEqual(
      caller.lines.filter((line) => line.startsWith("hold")).sort(),
      calls.map((n) => `hold ${n} = held ${n}`),
    );
  }
  await ended([first, second]);
  assert.deepEqual(shared.locks(), []);
});

Deno.test("fleche() runs without waiting what is to be computed anew, and others wait for it", async () => {
  using shared = new Shared();
  const [first, second, third] = await shared.start(3);
  assert(first !== undefined && second !== undefined && third !== undefined);
  await first.tell("call hold 1");
  await first.until("running hold 1");
  await second.tell("rerun hold 1");
  await second.until("running hold 1");
  await first.tell("go");
  assert.equal(await first.result("hold 1"), "held 1");
  await second.tell("go");
  assert.equal(await second.result("hold 1"), "held 1");
  await second.tell("rerun hold 2");
  await second.until("running hold 2");
  await third.tell("call hold 2");
  await third.tell("call hold 3");
  await third.until("running hold 3");
  await second.tell("go");
  assert.equal(await second.result("hold 2"), "held 2");
  assert.equal(await third.result("hold 2"), "held 2");
  await third.tell("go");
  await ended([first, second, third]);
  assert.deepEqual(shared.runs(), ["hold 1", "hold 1", "hold 2", "hold 3"]);
  assert.deepEqual(shared.locks(), []);
});

Deno.test("fleche() claims a call again where its folder was taken away", async () => {
  using shared = new Shared();
  const [caller] = await shared.start(1);
  await caller?.tell("all 1");
  await caller?.until("sum");
  assert.equal(shared.locks().length, 1);
  Deno.removeSync(`${shared.url}.locks`, { recursive: true });
  await caller?.tell("call hold 1");
  await caller?.until("running hold 1");
  assert.equal(shared.locks().length, 2);
  await caller?.tell("go");
  await caller?.end();
  assert.deepEqual(caller?.warnings, []);
  assert.deepEqual(shared.locks(), []);
});

Deno.test("fleche() does not look at other processes if singleFlight is false", async () => {
  using shared = new Shared();
  const callers = await shared.start(2);
  for (const caller of callers) {
    await caller.tell("call alone 1");
    await caller.until("running alone 1");
  }
  assert.deepEqual(shared.locks(), []);
  for (const caller of callers) await caller.tell("go");
  await ended(callers);
});

Deno.test("fleche() lets go of a call that it cannot store while its body still runs", async () => {
  using shared = new Shared();
  const [first, second] = await shared.start(2);
  assert(first !== undefined && second !== undefined);
  await first.tell("call unfit 1");
  await first.until("running unfit 1");
  await second.tell("call unfit 1");
  await first.tell("go");
  assert.equal(await first.result("unfit 1"), "function");
  await second.until("running unfit 1");
  await second.tell("go");
  assert.equal(await second.result("unfit 1"), "function");
  await Promise.all([first.end(), second.end()]);
  assert.deepEqual(shared.locks(), []);
});

for (const [end, code] of [["exit", 0], ["throw", 1], ["reject", 1]] as const) {
  Deno.test(`fleche() leaves no lock files where the program ends by: ${end}`, async () => {
    using shared = new Shared();
    const [caller] = await shared.start(1);
    assert(caller !== undefined);
    await caller.tell("all 1");
    await caller.until("sum");
    if (end === "exit") {
      await caller.tell("call hold 1");
      await caller.until("running hold 1");
      assert.equal(shared.locks().length, 2);
    }
    await caller.tell(end);
    assert.equal(await caller.endAnyhow(), code);
    assert.deepEqual(shared.locks(), []);
  });
}
