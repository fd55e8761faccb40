import { ValueFile, ValueHdf5, ValueMemory, ValueSqlite, ValueVoid } from "@fleche/core";
import { join } from "node:path";
import { KEY, SEALS } from "./_seals.ts";
import { testValueStorage } from "./_value_storage.ts";

const inMemory = { persistent: false, shared: false };
const onDisk = { persistent: true, shared: true };

testValueStorage({
  name: "ValueMemory",
  capabilities: inMemory,
  keeps: true,
  open: () => new ValueMemory(),
});

testValueStorage({
  name: "ValueVoid",
  capabilities: inMemory,
  keeps: false,
  open: () => new ValueVoid(),
});

testValueStorage({
  name: "ValueFile",
  capabilities: onDisk,
  keeps: true,
  open: (folder) => new ValueFile({ root: join(folder, "not", "yet", "there") }),
});

testValueStorage({
  name: "ValueFile with SHA-256 and fsync",
  capabilities: onDisk,
  keeps: true,
  open: (folder) => new ValueFile({ root: folder, verify: "sha256", durability: "fsync" }),
});

for (const [how, seal] of Object.entries(SEALS)) {
  testValueStorage({
    name: `ValueFile, ${how}`,
    capabilities: onDisk,
    keeps: true,
    sealed: true,
    open: (folder) => new ValueFile({ root: folder, ...seal }),
  });
}

testValueStorage({
  name: "ValueHdf5",
  capabilities: onDisk,
  keeps: true,
  sealed: true,
  open: (folder) => new ValueHdf5({ root: join(folder, "not", "yet", "there") }),
});

testValueStorage({
  name: "ValueHdf5, compressed and signed, with SHA-256 and fsync",
  capabilities: onDisk,
  keeps: true,
  sealed: true,
  open: (folder) =>
    new ValueHdf5({
      ...{ root: folder, compress: true, verify: "sha256", durability: "fsync" },
      secretKey: [KEY],
    }),
});

testValueStorage({
  name: "ValueSqlite in memory",
  capabilities: inMemory,
  keeps: true,
  closeForgets: true,
  open: () => new ValueSqlite({ path: ":memory:" }),
});

for (const [how, seal] of Object.entries({ "as it is": {}, ...SEALS })) {
  testValueStorage({
    name: `ValueSqlite, ${how}`,
    capabilities: onDisk,
    keeps: true,
    sealed: Object.keys(seal).length > 0,
    open: (folder) => new ValueSqlite({ path: join(folder, "not", "yet", "values.db"), ...seal }),
  });
}

testValueStorage({
  name: "ValueSqlite without WAL, with SHA-256 and fsync",
  capabilities: onDisk,
  keeps: true,
  open: (folder) =>
    new ValueSqlite({
      path: join(folder, "values.db"),
      journal: "delete",
      verify: "sha256",
      durability: "fsync",
    }),
});
