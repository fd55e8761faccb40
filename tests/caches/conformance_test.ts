import {
  type BaseCache,
  Cache,
  CachePool,
  CacheStack,
  CallHdf5,
  CallMemory,
  CallSql,
  type CallStorage,
  CallVoid,
  RefreshingCache,
  SizeLimitedCache,
  ValueFile,
  ValueHdf5,
  ValueMemory,
  type ValueStorage,
  ValueVoid,
} from "@fleche/core";
import { join } from "node:path";
import { testCache } from "./_cache.ts";

const VALUES: Readonly<Record<string, (folder: string) => ValueStorage>> = {
  ValueMemory: () => new ValueMemory(),
  ValueVoid: () => new ValueVoid(),
  ValueFile: (folder) => new ValueFile({ root: join(folder, "values") }),
};

const CALLS: Readonly<Record<string, (folder: string) => CallStorage>> = {
  CallMemory: () => new CallMemory(),
  CallVoid: () => new CallVoid(),
  "CallSql in memory": () => new CallSql(),
  CallSql: (folder) => new CallSql({ url: join(folder, "calls.db") }),
};

for (const [values, openValues] of Object.entries(VALUES)) {
  for (const [calls, openCalls] of Object.entries(CALLS)) {
    testCache({
      name: `Cache of ${values} and ${calls}`,
      findsCalls: calls !== "CallVoid",
      keepsValues: values !== "ValueVoid",
      persistent: calls === "CallSql",
      open: (folder) => same(new Cache({ values: openValues(folder), calls: openCalls(folder) })),
    });
  }
}

function same(cache: BaseCache): { cache: BaseCache; behind: BaseCache } {
  return { cache, behind: cache };
}

function memory(): Cache {
  return new Cache({ values: new ValueMemory(), calls: new CallMemory() });
}

function disk(folder: string): Cache {
  const url = join(folder, "calls.db");
  return new Cache({ values: new ValueFile({ root: folder }), calls: new CallSql({ url }) });
}

const KEEPING = { findsCalls: true, keepsValues: true };

testCache({
  name: "CacheStack of memory and HDF5 files",
  ...KEEPING,
  persistent: true,
  open: (folder) => {
    const values = new ValueHdf5({ root: join(folder, "values") });
    const calls = new CallHdf5({ root: join(folder, "calls") });
    const behind = new Cache({ values, calls });
    return { cache: new CacheStack([memory(), behind]), behind };
  },
});

testCache({
  name: "CacheStack of one",
  ...KEEPING,
  persistent: true,
  open: (folder) => same(new CacheStack([disk(folder)])),
});

testCache({
  name: "CacheStack of disk and memory",
  ...KEEPING,
  persistent: true,
  open: (folder) => same(new CacheStack([disk(folder), memory()])),
});

testCache({
  name: "CacheStack of three, with calls in the last",
  ...KEEPING,
  persistent: false,
  open: () => {
    const behind = memory();
    return { cache: new CacheStack([memory(), memory(), behind]), behind };
  },
});

testCache({
  name: "ReadOnlyCache",
  ...KEEPING,
  persistent: true,
  writable: false,
  open: (folder) => {
    const behind = disk(folder);
    return { cache: behind.readonly(), behind };
  },
});

testCache({
  name: "RefreshingCache",
  findsCalls: false,
  keepsCalls: true,
  keepsValues: true,
  persistent: true,
  open: (folder) => same(new RefreshingCache(disk(folder))),
});

testCache({
  name: "RefreshingCache that refreshes once",
  ...KEEPING,
  persistent: true,
  open: (folder) => same(new RefreshingCache(disk(folder), { once: true })),
});

testCache({
  name: "CachePool",
  ...KEEPING,
  persistent: true,
  writable: false,
  open: (folder) => {
    const behind = disk(folder);
    return { cache: new CachePool([memory(), behind, memory()]), behind };
  },
});

testCache({
  name: "CachePool of a pool and a stack",
  ...KEEPING,
  persistent: false,
  writable: false,
  open: () => {
    const behind = memory();
    const stack = new CacheStack([memory(), behind]);
    return { cache: new CachePool([new CachePool([memory()]), stack]), behind };
  },
});

testCache({
  name: "FilteredCache",
  ...KEEPING,
  persistent: true,
  open: (folder) => same(disk(folder).filter(({ name }) => name !== "hidden")),
});

testCache({
  name: "FilteredCache of a stack, by a predicate that takes its time",
  ...KEEPING,
  persistent: true,
  open: (folder) => {
    const stack = new CacheStack([disk(folder), memory()]);
    return same(stack.filter(async (call) => await call.result() !== undefined));
  },
});

testCache({
  name: "FilteredCache of a read-only cache",
  ...KEEPING,
  persistent: true,
  writable: false,
  open: (folder) => {
    const behind = disk(folder);
    return { cache: behind.readonly().filter(() => true), behind };
  },
});

testCache({
  name: "SizeLimitedCache far from its limits",
  ...KEEPING,
  persistent: true,
  open: (folder) =>
    same(
      new SizeLimitedCache({
        values: new ValueFile({ root: folder }),
        calls: new CallSql({ url: join(folder, "calls.db") }),
        ...{ maxSize: 1000, maxBytes: 1 << 30, policy: "lru" },
      }),
    ),
});
