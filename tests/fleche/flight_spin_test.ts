import assert from "node:assert";
import { Folder, PACKAGE, runFile } from "../_wrapper_program.ts";

// In a process of its own: a loop of microtasks would hang this one.
Deno.test("fleche() leaves time to others while a look-up is under way", async () => {
  await using folder = await Folder.make({
    "deno.json": '{ "name": "@example/spin" }',
    "main.ts": `
      import { Cache, CallMemory, fleche, ValueMemory, withCache } from "${PACKAGE}";

      class SlowCache extends Cache {
        override async find(key: string) {
          if (key === slow.digest(1)) await new Promise((resolve) => setTimeout(resolve, 20));
          return await super.find(key);
        }
      }

      const slow = fleche(function slow(x: number) { return x; });
      const nothing = fleche(function nothing() {});
      const cache = new SlowCache({ values: new ValueMemory(), calls: new CallMemory() });
      await withCache(cache, async () => {
        const pending = slow(1);
        await nothing();
        await nothing();
        console.log(await pending);
      });
    `,
  });
  assert.equal((await runFile(`${folder.path}/main.ts`)).stdout, "1\n");
});
