import { CallSql, LockTimeoutError, SaveError, ValueFile, ValueSqlite } from "@fleche/core";
import assert from "node:assert/strict";
import { beside, Child } from "./_child.ts";
import { TemporaryFolder } from "./_temporary_folder.ts";
import { Warnings } from "./_warnings.ts";

Deno.test("enter() of a gate throws when the lock fails although there are locks", async () => {
  using folder = new TemporaryFolder();
  using warnings = new Warnings();
  const { gate } = new ValueFile({ root: folder.path });
  Deno.mkdirSync(folder.join("gc.lock"));
  await assert.rejects(async () => await gate.enter(), (error: unknown) => {
    assert(error instanceof SaveError);
    assert(error.message.includes(folder.join("gc.lock")), error.message);
    return true;
  });
  assert.deepEqual(warnings.texts, []);
});

Deno.test("enter() of a gate goes on without locks where the file system knows none", async () => {
  using folder = new TemporaryFolder();
  using warnings = new Warnings();
  const { gate } = new ValueFile({ root: folder.path });
  const { prototype } = Deno.FsFile;
  const methods = ["tryLockSync", "lock"].filter((name) => name in prototype);
  const saved = methods.map((name) => [name, Reflect.get(prototype, name)] as const);
  const refuse = () => {
    throw new Deno.errors.NotSupported("no locks here");
  };
  for (const name of methods) Reflect.set(prototype, name, refuse);
  try {
    using _ = await gate.enter();
  } finally {
    for (const [name, method] of saved) Reflect.set(prototype, name, method);
  }
  assert.equal(warnings.texts.length, 1);
});

Deno.test("a process that has waited too long before a gate can end", async () => {
  using folder = new TemporaryFolder();
  const shut = await new ValueFile({ root: folder.path }).gate.shut(1);
  const program = beside(import.meta.url, "_gate_timeout_child.ts");
  await using child = new Child(program, { args: [folder.path] });
  assert.equal(await child.line(), "LockTimeoutError");
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve("still there"), 5000);
  // There is no further line once it has ended.
  const next = await Promise.race([child.line(), late.promise]);
  clearTimeout(timer);
  // Whatever the child waits for.
  shut[Symbol.dispose]();
  assert.equal(next, undefined);
});

for (const isThere of [true, false]) {
  Deno.test(`the gate of ValueSqlite holds for a link to a database that is ${isThere ? "" : "not "}there`, async () => {
    using folder = new TemporaryFolder();
    for (const name of ["real", "link"]) Deno.mkdirSync(folder.join(name));
    const [path, link] = [folder.join("real/values.db"), folder.join("link/values.db")];
    await using real = new ValueSqlite({ path });
    if (isThere) await real.list("");
    Deno.symlinkSync("../real/values.db", link);
    await using linked = new ValueSqlite({ path: link, lockTimeout: 0.05 });
    {
      using _ = await real.gate.shut(1);
      await assert.rejects(async () => await linked.gate.enter(), LockTimeoutError);
    }
    using _ = await linked.gate.enter();
    await assert.rejects(real.gate.shut(0.05), LockTimeoutError);
  });
}

Deno.test("CallSql has one identity and one folder of locks, whatever links lead to it", async () => {
  using folder = new TemporaryFolder();
  for (const name of ["real", "link"]) Deno.mkdirSync(folder.join(name));
  Deno.symlinkSync("../real/calls.db", folder.join("link/calls.db"));
  await using real = new CallSql({ url: folder.join("real/calls.db") });
  await using linked = new CallSql({ url: folder.join("link/calls.db") });
  assert.equal(linked.identity, real.identity);
  assert.equal(linked.claims?.place, real.claims?.place);
});
