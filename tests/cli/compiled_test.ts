import assert from "node:assert/strict";
import { requiredProgram } from "../remote/_program.ts";
import { keysIn, ramp, withStore } from "./_store.ts";

const { binary, isThere } = await requiredProgram();

// With the permissions that are compiled into it, and on the runtime that it is made of.
Deno.test(
  "every command works in the compiled program",
  { ignore: !isThere },
  () =>
    withStore(async (store) => {
      const key = await store.save({ name: "f", arguments: { x: 1 }, result: ramp(1000) });
      assert.match(await store.print("ls"), new RegExp(`^key .*\\n${key.slice(0, 4)} +f +x=1`));
      assert.equal((await store.printJson("show", key.slice(0, 6)))[0]?.["key"], key);
      assert.match(await store.print("stats"), /^f +1 +7\.8 KiB$/m);
      assert.match(await store.print("config"), /^\[local\]$/m);
      const files = await store.print("transfer", "local", "other");
      assert.equal(files, "copied 1 call from local to other\n");
      assert.equal(await store.print("evict", key), `evicted ${key}\n`);
      assert.match(await store.print("gc", "--grace", "0"), /^removed +1 value, 7\.8 KiB$/m);
      assert.match(await store.print("verify", "--cache", "other"), /\nall is well\n$/);
      assert.deepEqual(await keysIn(store.cache), []);
    }, [binary]),
);
