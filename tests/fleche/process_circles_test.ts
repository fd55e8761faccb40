import assert from "node:assert/strict";
import { type Caller, Shared } from "./_processes.ts";

/** Starts walks, each in a process; none goes on before all are under way. */
async function walk(walks: readonly (readonly [caller: Caller | undefined, path: string])[]) {
  for (const [caller, path] of walks) {
    await caller?.tell(`walk ${path}`);
    await caller?.until(`running walk ${path[0]}`);
  }
  const callers = [...new Set(walks.map(([caller]) => caller))];
  // Whoever finds the circle runs what he would have waited for, which has to be let go on too.
  const release = setInterval(() => callers.forEach((caller) => void caller?.tell("go")), 50);
  try {
    for (const caller of callers) {
      for (const [each] of walks) if (each === caller) await caller?.until("walk");
    }
  } finally {
    clearInterval(release);
  }
  for (const caller of callers) {
    await caller?.end();
    assert.deepEqual(caller?.warnings, []);
    const results = caller?.lines.filter((line) => line.startsWith("walk"));
    assert.deepEqual(results?.filter((line) => !line.endsWith(" = done")), []);
  }
}

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
