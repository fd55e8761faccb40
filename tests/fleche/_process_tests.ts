import { CallSql } from "@fleche/core";
import assert from "node:assert/strict";
import { hostname } from "node:os";
import { PERMISSIONS } from "../storage/_child.ts";
import { type Caller, Shared, walk } from "./_processes.ts";

/** A server with databases of calls. */
interface Server extends AsyncDisposable {
  create(): Promise<string>;
  url(database: string): string;
  query(database: string, statement: string): Promise<Record<string, unknown>[]>;
}

const KEYS = 100;

/** All numbers below a hundred, as the runs of them are listed. */
export const EACH_ONCE = Array.from({ length: KEYS }, (_, n) => `quick ${n}`).sort();

/** Lets each process compute the same hundred calls. */
export async function computeAll(callers: readonly Caller[]): Promise<void> {
  await Promise.all(callers.map((caller) => caller.tell(`all ${KEYS}`)));
  const sums = await Promise.all(callers.map((caller) => caller.until("sum")));
  assert.deepEqual(sums, sums.map(() => `sum ${KEYS * (KEYS - 1) / 2}`));
}

/** Waits until processes have ended, without a warning. */
export async function ended(callers: readonly Caller[]): Promise<void> {
  await Promise.all(callers.map((caller) => caller.end()));
  for (const caller of callers) assert.deepEqual(caller.warnings, []);
}

/** Lets processes share the calls in a database of a server. */
export function testProcesses(
  name: string,
  options: { ignore: boolean; start: () => Promise<Server>; callers: number },
): void {
  Deno.test({
    name: `fleche() runs each call once in processes that share ${name}`,
    ignore: options.ignore,
    async fn(t) {
      await using server = await options.start();
      const permissions = [...PERMISSIONS, "--allow-net=127.0.0.1"];

      await t.step(`each of 100 calls in ${options.callers} processes`, async () => {
        using shared = new Shared({ url: server.url(await server.create()), permissions });
        const callers = await shared.start(options.callers);
        await computeAll(callers);
        assert.deepEqual(shared.runs(), EACH_ONCE);
        await ended(callers);
        assert.deepEqual(await server.query("db0", "SELECT * FROM fleche_claims"), []);
      });

      await t.step("again where one of them is killed; others know who it was", async () => {
        const database = await server.create();
        const url = server.url(database);
        using shared = new Shared({ url, permissions });
        const [first, second] = await shared.start(2);
        assert(first !== undefined && second !== undefined);
        // Makes the table.
        await first.tell("all 1");
        await first.until("sum");
        const began = Date.now();
        await first.tell("call hold 1");
        await first.until("running hold 1");
        await second.tell("call hold 1");
        const row = async () => (await server.query(database, "SELECT * FROM fleche_claims"))[0];
        // The call does not wait until others can see who runs it.
        while (await row() === undefined);
        const key = String((await row())?.["call_key"]);
        await using calls = new CallSql({ url });
        const holder = await calls.claims?.holder(key);
        assert.equal(holder?.host, hostname());
        assert.equal(holder?.pid, first.pid);
        const since = holder?.since?.getTime() ?? 0;
        assert(since >= began && since <= Date.now(), `${holder?.since}`);
        assert.equal(await calls.claims?.tryClaim(key), "claimed");
        await first.kill();
        await second.until("running hold 1");
        await second.tell("go");
        assert.equal(await second.result("hold 1"), "held 1");
        await ended([second]);
        assert.deepEqual(shared.runs(), ["hold 1", "hold 1", "quick 0"]);
        assert.equal(await row(), undefined);
      });

      await t.step("and nobody waits in a circle", async () => {
        using shared = new Shared({ url: server.url(await server.create()), permissions });
        const [a, b, c] = await shared.start(3);
        await walk([[a, "0,1"], [b, "1,2"], [c, "2,0"]]);
        // Through a call that another one of the same process waits for.
        const [d, e] = await shared.start(2);
        await walk([[d, "10,11"], [d, "19,10"], [e, "11,19"]]);
      });
    },
  });
}
