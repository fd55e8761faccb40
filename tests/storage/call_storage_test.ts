import { CallFile, CallHdf5, CallMemory, CallSql, CallVoid } from "@fleche/core";
import { join } from "node:path";
import { KEY, SEALS } from "./_seals.ts";
import { testCallStorage } from "./_call_storage.ts";

const inMemory = { persistent: false, shared: false };
const onDisk = { persistent: true, shared: true };

testCallStorage({
  name: "CallMemory",
  capabilities: inMemory,
  keeps: true,
  open: () => new CallMemory(),
});

testCallStorage({
  name: "CallVoid",
  capabilities: inMemory,
  keeps: false,
  open: () => new CallVoid(),
});

testCallStorage({
  name: "CallSql in memory",
  capabilities: inMemory,
  keeps: true,
  open: () => new CallSql({ url: "sqlite://" }),
});

testCallStorage({
  name: "CallSql on a file",
  capabilities: onDisk,
  keeps: true,
  open: (folder) => new CallSql({ url: `sqlite:///${join(folder, "not", "yet", "calls.db")}` }),
});

testCallStorage({
  name: "CallSql on a file without WAL, with fsync",
  capabilities: onDisk,
  keeps: true,
  open: (folder) =>
    new CallSql({ url: join(folder, "calls.db"), journal: "delete", durability: "fsync" }),
});

for (const [how, seal] of Object.entries({ "as it is": {}, ...SEALS })) {
  testCallStorage({
    name: `CallFile, ${how}`,
    capabilities: onDisk,
    keeps: true,
    sealed: true,
    open: (folder) => new CallFile({ root: join(folder, "not", "yet", "there"), ...seal }),
  });
}

testCallStorage({
  name: "CallFile with SHA-256 and fsync",
  capabilities: onDisk,
  keeps: true,
  sealed: true,
  open: (folder) => new CallFile({ root: folder, verify: "sha256", durability: "fsync" }),
});

testCallStorage({
  name: "CallHdf5",
  capabilities: onDisk,
  keeps: true,
  sealed: true,
  open: (folder) => new CallHdf5({ root: join(folder, "not", "yet", "there") }),
});

testCallStorage({
  name: "CallHdf5, compressed and signed, with SHA-256 and fsync",
  capabilities: onDisk,
  keeps: true,
  sealed: true,
  open: (folder) =>
    new CallHdf5({
      ...{ root: folder, compress: true, verify: "sha256", durability: "fsync" },
      secretKey: [KEY],
    }),
});

for (const [how, seal] of Object.entries(SEALS)) {
  testCallStorage({
    name: `CallSql on a file, ${how}`,
    capabilities: onDisk,
    keeps: true,
    sealed: true,
    open: (folder) => new CallSql({ url: join(folder, "calls.db"), ...seal }),
  });
}
