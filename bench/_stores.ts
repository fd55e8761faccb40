import { Cache, CallMemory, CallSql, ValueFile, ValueMemory } from "@fleche/core";

/** A cache of files and SQLite in a temporary folder. */
export function fileCache(): { readonly cache: Cache; readonly root: string } {
  const root = Deno.makeTempDirSync({ prefix: "fleche-bench-" });
  const cache = new Cache({
    values: new ValueFile({ root: `${root}/values` }),
    calls: new CallSql({ url: `${root}/calls.db` }),
  });
  globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
  return { cache, root };
}

/** A cache in memory. */
export function memoryCache(): Cache {
  return new Cache({ values: new ValueMemory(), calls: new CallMemory() });
}
