import assert from "node:assert/strict";
import { hostname } from "node:os";
import { computeAll, EACH_ONCE, ended } from "./_process_tests.ts";
import { Shared } from "./_processes.ts";

Deno.test("fleche() runs each call once in eight processes, and leaves no locks", async () => {
  using shared = new Shared();
  const callers = await shared.start(8);
  await computeAll(callers);
  assert.deepEqual(shared.runs(), EACH_ONCE);
  await ended(callers);
  assert.deepEqual(shared.locks(), []);
});

Deno.test("fleche() runs each call once where some processes can make no links", async () => {
  using shared = new Shared();
  const callers = [...await shared.start(2), ...await shared.start(2, "no-links")];
  await computeAll(callers);
  assert.deepEqual(shared.runs(), EACH_ONCE);
  await ended(callers);
  assert.deepEqual(shared.locks(), []);
});

for (const absent of [[], ["no-links"]]) {
  const where = absent.length === 0 ? "" : " where there are no links";
  Deno.test(`fleche() takes over the call of a process that is killed${where}`, async () => {
    using shared = new Shared();
    const [first, second] = await shared.start(2, ...absent);
    assert(first !== undefined && second !== undefined);
    await first.tell("call hold 1");
    await first.until("running hold 1");
    await second.tell("call hold 1");
    await second.tell("call hold 2");
    await second.until("running hold 2");
    assert.deepEqual(shared.runs(), ["hold 1", "hold 2"]);
    await first.kill();
    await second.until("running hold 1");
    await second.tell("go");
    assert.equal(await second.result("hold 1"), "held 1");
    await second.end();
    assert.deepEqual(shared.runs(), ["hold 1", "hold 1", "hold 2"]);
    // What the dead one has left goes when the next one begins.
    const [third] = await shared.start(1, ...absent);
    await third?.tell("all 1");
    await third?.until("sum");
    await third?.end();
    assert.deepEqual(shared.locks(), []);
  });
}

Deno.test("fleche() says after five seconds whom it waits for, once", async () => {
  using shared = new Shared();
  const [first, second] = await shared.start(2);
  assert(first !== undefined && second !== undefined);
  const began = new Date();
  await first.tell("call hold 1");
  await first.until("running hold 1");
  const start = performance.now();
  await second.tell("call hold 1");
  const warning = await second.until("warning");
  const seconds = (performance.now() - start) / 1000;
  assert(seconds >= 5 && seconds < 10, `${seconds}`);
  assert(warning.includes(`hold waits for process ${first.pid} on ${hostname()}`), warning);
  const [since = ""] = /(?<=since )\S+$/.exec(warning) ?? [];
  const age = new Date(since).getTime() - began.getTime();
  assert(age >= 0 && age <= performance.now() - start + 5000, warning);
  // Long enough for a second one.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await first.tell("go");
  assert.equal(await first.result("hold 1"), "held 1");
  assert.equal(await second.result("hold 1"), "held 1");
  await Promise.all([first.end(), second.end()]);
  assert.equal(second.warnings.length, 1);
  assert.deepEqual(shared.runs(), ["hold 1"]);
});

for (const [name, result] of [["fail", "Error: No 1"], ["nothing", "undefined"]] as const) {
  Deno.test(`fleche() runs a call that came to ${result} again in each process`, async () => {
    using shared = new Shared();
    const [first, second, third] = await shared.start(3);
    assert(first !== undefined && second !== undefined && third !== undefined);
    await first.tell(`call ${name} 1`);
    await first.until(`running ${name} 1`);
    await second.tell(`call ${name} 1`);
    await third.tell(`call ${name} 1`);
    await first.tell("go");
    assert.equal(await first.result(`${name} 1`), result);
    // The others run it too; nobody hangs.
    const turns = [second, third].map(async (caller): Promise<void> => {
      await caller.until(`running ${name} 1`);
      await caller.tell("go");
      assert.equal(await caller.result(`${name} 1`), result);
    });
    await Promise.all(turns);
    await Promise.all([first.end(), second.end(), third.end()]);
    assert.equal(shared.runs().length, 3);
    assert.deepEqual(shared.locks(), []);
  });
}

Deno.test("fleche() takes no lock for what is stored", async () => {
  using shared = new Shared();
  const [first, second] = await shared.start(2);
  await first?.tell("all 5");
  await first?.until("sum");
  assert.equal(shared.locks().length, 1);
  await second?.tell("all 5");
  await second?.until("sum");
  assert.equal(shared.locks().length, 1);
  for (const caller of [first, second]) await caller?.end();
  assert.equal(shared.runs().length, 5);
});
