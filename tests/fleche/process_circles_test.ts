import assert from "node:assert/strict";
import { Shared, walk } from "./_processes.ts";

Deno.test("fleche() does not hang where two processes wait for each other", async () => {
  using shared = new Shared();
  const [a, b] = await shared.start(2);
  await walk([[a, "0,1"], [b, "1,0"]]);
  assert.deepEqual(shared.locks(), []);
  const runs = shared.runs().length;
  assert(runs === 3 || runs === 4, shared.runs().join());
});

Deno.test("fleche() does not hang where three processes wait in a circle", async () => {
  using shared = new Shared();
  const [a, b, c] = await shared.start(3);
  await walk([[a, "0,1"], [b, "1,2"], [c, "2,0"]]);
  assert.deepEqual(shared.locks(), []);
});

Deno.test("fleche() does not hang in a circle without links between files", async () => {
  using shared = new Shared();
  const [a, b, c] = await shared.start(3, "no-links");
  await walk([[a, "0,1"], [b, "1,2"], [c, "2,0"]]);
  assert.deepEqual(shared.locks(), []);
});

Deno.test("fleche() does not hang in a circle that leads through a call of its own process", async () => {
  using shared = new Shared();
  const [a, b] = await shared.start(2);
  // In the first process, 9 waits for 0, and that for 1 in the second, which waits for 9.
  await walk([[a, "0,1"], [a, "9,0"], [b, "1,9"]]);
  assert.deepEqual(shared.locks(), []);
});

Deno.test("fleche() waits for what another process calls where there is no circle", async () => {
  using shared = new Shared();
  const [a, b, c] = await shared.start(3);
  await walk([[a, "0,1"], [b, "1,2"], [c, "2"]]);
  assert.deepEqual(shared.runs(), ["walk 0", "walk 1", "walk 2"]);
});

Deno.test("fleche() does not wait for itself through another cache of the same storage", async () => {
  using shared = new Shared();
  const [caller] = await shared.start(1);
  await caller?.tell("call again 1");
  assert.equal(await caller?.result("again 1"), "1");
  assert.deepEqual(shared.runs(), ["again 1", "again 1"]);
  await caller?.end();
  assert.deepEqual(caller?.warnings, []);
});
