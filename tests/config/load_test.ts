import assert from "node:assert/strict";
import { join } from "node:path";
import { ConfigFolder, load, rooted, rootOf } from "./_load.ts";

const MEMORY = { values: { type: "memory" }, calls: { type: "memory" } };
const VOID = { values: { type: "void" }, calls: { type: "void" } };

Deno.test("memory and void are caches without any file, each of them one", async () => {
  using folder = new ConfigFolder();
  const cwd = folder.project;
  const [memory, voided, errors] = await load([
    { cwd, env: folder.env, name: "memory" },
    { name: "void" },
  ]);
  const expected = (config: unknown) => ({ config, class: "Cache", same: true });
  assert.deepEqual([memory, voided], [expected(MEMORY), expected(VOID)]);
  assert.equal(errors, "");
});

Deno.test("a name means one cache in a process, wherever it is asked for", async () => {
  using folder = new ConfigFolder({
    "home/project/fleche.toml": `[default]\ncache = "a"\n[a]\n${rooted("/first")}`,
    "home/other/fleche.toml": `[default]\ncache = "a"\n[a]\n${rooted("/second")}`,
  });
  const outcomes = await load([
    { cwd: folder.project, env: folder.env, name: "a" },
    { cwd: folder.join("home", "other"), name: "a" },
    {},
  ]);
  assert.deepEqual(outcomes.slice(0, -1).map(rootOf), ["/first", "/first", "/first"]);
  for (const outcome of outcomes) assert(typeof outcome === "string" || outcome.same === true);
});

Deno.test("[default] names a cache, or holds one", async () => {
  const defaults: Readonly<Record<string, unknown>> = {
    [`cache = "a"\n[a]\n${rooted("/a")}`]: "/a",
    [`cache = { values = { type = "file", root = "in" }, calls = { type = "void" } }`]: "in",
    [`cache.values = { type = "file", root = "/dotted" }\ncache.calls.type = "void"`]: "/dotted",
    [`[default.cache.values]\ntype = "file"\nroot = "/b"\n[default.cache.calls]\ntype = "void"`]:
      "/b",
    [`[[default.cache]]\n${rooted("/stacked")}`]: "stack",
    [`cache = "memory"`]: undefined,
  };
  for (const [text, root] of Object.entries(defaults)) {
    using folder = new ConfigFolder();
    folder.write("home/project/fleche.toml", `[default]\n${text}`.replace("[default]\n[", "["));
    const [outcome, errors] = await load([{ cwd: folder.project, env: folder.env }]);
    if (root === "stack") {
      assert(typeof outcome === "object");
      assert.equal(outcome.class, "CacheStack");
    } else {
      const expected = root === "in" ? join(folder.project, "in") : root;
      assert.equal(rootOf(outcome), expected, text);
    }
    assert.equal(errors, "");
  }
});

Deno.test("caches that are named in stacks and pools are those of the names", async () => {
  using folder = new ConfigFolder({
    "home/project/fleche.toml": `
      stack = ["near", "far", { values = { type = "void" }, calls = { type = "memory" } }]
      [near]
      template = "file"
      root = "near"
      [pool]
      pool = ["stack", "memory"]
    `,
    "home/fleche.toml": `[far]\ntemplate = "sqlite"\nroot = "far"\nread_only = true`,
    "config/fleche/cache.toml": `[default]\ncache = "pool"`,
  });
  const cwd = folder.project;
  const [pool, stack, errors] = await load([{ cwd, env: folder.env }, { name: "stack" }]);
  assert(typeof pool === "object" && typeof stack === "object");
  assert.equal(errors, "");
  // Paths begin at the file that has them, not at the one that names the cache.
  const near = {
    values: { type: "file", root: join(folder.project, "near", "values") },
    calls: { type: "file", root: join(folder.project, "near", "calls") },
  };
  const far = {
    values: { type: "sqlite", path: join(folder.home, "far", "values.db") },
    calls: { type: "sql", url: join(folder.home, "far", "calls.db") },
    read_only: true,
  };
  const inline = { values: { type: "void" }, calls: { type: "memory" } };
  assert.deepEqual(stack.config, [near, far, inline]);
  assert.deepEqual(pool.config, { pool: [near, far, inline, MEMORY] });
});

Deno.test("a cache that is named in a pool is one with that of the name", async () => {
  using folder = new ConfigFolder({
    "home/project/fleche.toml": `pooled = { pool = ["near", "memory"] }\n[near]\n${rooted("/n")}`,
  });
  const [outcome] = await load([
    { cwd: folder.project, env: folder.env, name: "pooled", members: ["near", "memory"] },
  ]);
  assert(typeof outcome === "object");
  assert.deepEqual(outcome.areMembers, [true, true]);
});

Deno.test("a stack, read-only caches and all keys of a remote cache are built", async () => {
  using folder = new ConfigFolder({
    "home/project/fleche.toml": `
      [[both]]
      values = { type = "memory" }
      calls = { type = "memory" }
      save_timeout = 1.5

      [[both]]
      type = "ssh"
      host = "user@cluster"
      cache_name = "shared"
      command = ["/opt/my tools/fleche", "-v"]
      ssh_options = ["-p", "2222"]
      setup_commands = ["module load fleche", "ulimit -n 4096"]
      workdir = "~/work"
      timeout = 30
      connect_timeout = 90
      save_timeout = 120
      read_only = true
      [both.env]
      OMP_NUM_THREADS = "4"

      [text]
      type = "ssh"
      host = "h"
      command = "nice fleche"

      [kept]
      values = { type = "file", root = "/v", verify = false, durability = "fsync" }
      read_only = true
      [kept.calls]
      type = "sql"
      url = "/calls.db"
      echo = true
      journal = "delete"
      durability = "fsync"
      lock_timeout = 2.5
    `,
  });
  const names = ["both", "text", "kept"];
  const outcomes = await load(
    names.map((name) => ({ cwd: folder.project, env: folder.env, name })),
  );
  const [both, text, kept] = outcomes.map((each) => typeof each === "object" ? each : {});
  assert.equal(both?.class, "CacheStack");
  assert.deepEqual(both?.config, [
    { ...MEMORY, save_timeout: 1.5 },
    {
      ...{ type: "ssh", host: "user@cluster", cache_name: "shared", workdir: "~/work" },
      command: ["/opt/my tools/fleche", "-v"],
      ssh_options: ["-p", "2222"],
      setup_commands: ["module load fleche", "ulimit -n 4096"],
      env: { OMP_NUM_THREADS: "4" },
      ...{ timeout: 30, connect_timeout: 90, save_timeout: 120 },
      read_only: true,
    },
  ]);
  assert.equal(text?.class, "SshCache");
  assert.deepEqual(text?.config, { type: "ssh", host: "h", command: "nice fleche" });
  assert.equal(kept?.class, "ReadOnlyCache");
  assert.deepEqual(kept?.config, {
    values: { type: "file", root: "/v", verify: false, durability: "fsync" },
    calls: {
      ...{ type: "sql", url: "/calls.db", echo: true, journal: "delete", durability: "fsync" },
      lock_timeout: 2.5,
    },
    read_only: true,
  });
});

Deno.test("metadata is that of the closest file, Runtime without any", async () => {
  using folder = new ConfigFolder({
    "home/fleche.toml": '[default]\nmetadata = ["Runtime"]\n',
    "home/project/fleche.toml": "[default]\nmetadata = []\n",
    "home/named/fleche.toml": '[default]\ncache = "memory"\n',
  });
  const [near, far, unnamed, none] = await load([
    { cwd: folder.project, env: folder.env, metadata: true },
    { cwd: folder.home, metadata: true },
    { cwd: folder.join("home", "named"), metadata: true },
    { cwd: folder.path, env: { HOME: folder.path }, metadata: true },
  ]);
  assert.deepEqual(near, { metadata: [] });
  assert.deepEqual(far, { metadata: ["runtime"] });
  // Tables replace each other as a whole.
  assert.deepEqual(unnamed, { metadata: ["runtime"] });
  assert.deepEqual(none, { metadata: ["runtime"] });
});

Deno.test("a closer file hides the faults of a table that it replaces", async () => {
  using folder = new ConfigFolder({
    "home/fleche.toml": `[a]\nvalues = 1\n[default]\ncache = "missing"\n`,
    "home/project/fleche.toml": `[a]\n${rooted("/a")}[default]\ncache = "a"\n`,
  });
  const [outcome] = await load([{ cwd: folder.project, env: folder.env }]);
  assert.equal(rootOf(outcome), "/a");
});

Deno.test("a fault in another table of a file is not passed over", async () => {
  using folder = new ConfigFolder({
    "home/project/fleche.toml": `[a]\n${rooted("/a")}[defualt]\nmetadata = []\n`,
  });
  const [outcome] = await load([{ cwd: folder.project, env: folder.env, name: "a" }]);
  assert(typeof outcome === "object");
  assert.match(outcome.error?.message ?? "", /did you mean "default"/);
});
