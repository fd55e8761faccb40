import assert from "node:assert/strict";
import { join } from "node:path";
import { beside, runProgram } from "../storage/_child.ts";
import { filesBelow } from "../storage/_temporary_folder.ts";
import { ConfigFolder } from "./_load.ts";

const CHILD = beside(import.meta.url, "_default_child.ts");

type Variables = Readonly<Record<string, string | null>>;

/** Saves two calls in the default cache of a new process. */
async function saveTwice(cwd: string, env: Variables, runner: readonly string[] = []) {
  const input = JSON.stringify({ cwd, env });
  const { code, lines, errors } = await runProgram(CHILD, { input, runner });
  assert.equal(code, 0, errors);
  const report: { config: unknown; silent: boolean; results: unknown[] } = JSON.parse(
    lines[0] ?? "",
  );
  return { ...report, warnings: errors.split("\n").filter((line) => line !== "") };
}

Deno.test("without any file, results are files and a database in the cache folder", async () => {
  using folder = new ConfigFolder();
  const root = folder.join("cache", "fleche");
  const report = await saveTwice(folder.project, folder.env);
  assert.deepEqual(report.config, {
    values: { type: "file", root: join(root, "values") },
    calls: { type: "sql", url: join(root, "calls.db") },
  });
  assert.deepEqual(report.results, [1, 2]);
  // Nothing is said before something is stored, and then once.
  assert.equal(report.silent, true);
  assert.equal(report.warnings.length, 1, report.warnings.join("\n"));
  assert(report.warnings[0]?.includes(root), report.warnings[0]);
  const files = filesBelow(root);
  assert(files.includes("calls.db"));
  assert.equal(files.filter((file) => file.startsWith("values/v1/")).length, 1);
});

Deno.test("the cache folder is ~/.cache where XDG_CACHE_HOME names no folder", async () => {
  // The XDG base directory specification has relative paths ignored.
  for (const XDG_CACHE_HOME of [null, "", "relative"]) {
    using folder = new ConfigFolder();
    const env = { ...folder.env, XDG_CACHE_HOME };
    const { config } = await saveTwice(folder.project, env);
    const root = join(folder.home, ".cache", "fleche");
    assert.deepEqual(config, {
      values: { type: "file", root: join(root, "values") },
      calls: { type: "sql", url: join(root, "calls.db") },
    }, `XDG_CACHE_HOME = ${XDG_CACHE_HOME}`);
  }
});

Deno.test("files that name no default cache leave it where it is, and say so", async () => {
  using folder = new ConfigFolder({
    "home/project/fleche.toml": '[default]\nmetadata = []\n[a]\ntype = "ssh"\nhost = "h"\n',
  });
  const { config, warnings } = await saveTwice(folder.project, folder.env);
  const root = folder.join("cache", "fleche");
  assert.deepEqual(config, {
    values: { type: "file", root: join(root, "values") },
    calls: { type: "sql", url: join(root, "calls.db") },
  });
  assert.equal(warnings.length, 1);
});

Deno.test("what cannot be written to disk is kept in memory, with one warning", async () => {
  using folder = new ConfigFolder();
  Deno.writeTextFileSync(folder.join("file"), "");
  const env = { ...folder.env, XDG_CACHE_HOME: folder.join("file", "below") };
  const report = await saveTwice(folder.project, env);
  assert.deepEqual(report.config, { values: { type: "memory" }, calls: { type: "memory" } });
  assert.deepEqual(report.results, [1, 2]);
  assert.equal(report.warnings.length, 1, report.warnings.join("\n"));
  assert.match(report.warnings[0] ?? "", /memory only/);
  assert(report.warnings[0]?.includes(folder.join("file", "below", "fleche")));
});

Deno.test("a configured cache says nothing", async () => {
  using folder = new ConfigFolder({
    "home/project/fleche.toml": '[default]\ncache = "memory"\n',
  });
  const report = await saveTwice(folder.project, folder.env);
  assert.deepEqual(report.warnings, []);
  assert.deepEqual(filesBelow(folder.join("cache")), []);
});
