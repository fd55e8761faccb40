import assert from "node:assert/strict";
import { join } from "node:path";
import { ConfigFolder, load, rooted, rootOf } from "./_load.ts";

Deno.test("a cache is looked for from the working directory up to the home directory", async () => {
  using folder = new ConfigFolder({
    "home/fleche.toml": `[far]\n${rooted("/far")}[both]\n${rooted("/home")}read_only = true\n`,
    "home/project/fleche.toml": `[near]\n${rooted("/near")}[both]\n${rooted("/project")}`,
    "fleche.toml": `[above]\n${rooted("/above")}`,
    "config/fleche/cache.toml": `[own]\n${rooted("/own")}[both]\n${rooted("/config")}[far]\n` +
      rooted("/config"),
  });
  const cwd = join(folder.project, "deep", "down");
  Deno.mkdirSync(cwd, { recursive: true });
  const names = ["near", "far", "own", "both", "above"];
  const outcomes = await load(names.map((name) => ({ cwd, env: folder.env, name })));
  const [near, far, own, both, above] = outcomes;
  assert.deepEqual([near, far, own].map(rootOf), ["/near", "/far", "/own"]);
  // The closest table replaces the others, and takes nothing over from them.
  assert(typeof both === "object" && typeof above === "object");
  assert.deepEqual(both.config, {
    values: { type: "file", root: "/project" },
    calls: { type: "void" },
  });
  assert.match(above.error?.message ?? "", /no cache "above"/);
});

Deno.test("outside of the home directory the search goes up to the root", async () => {
  using folder = new ConfigFolder({
    "outside/fleche.toml": `[a]\n${rooted("/a")}`,
    "fleche.toml": `[b]\n${rooted("/b")}`,
    "home/fleche.toml": `[c]\n${rooted("/c")}`,
    "config/fleche/cache.toml": `[d]\n${rooted("/d")}`,
  });
  const cwd = folder.join("outside", "below");
  Deno.mkdirSync(cwd);
  const names = ["a", "b", "d", "c"];
  const [a, b, d, c] = await load(names.map((name) => ({ cwd, env: folder.env, name })));
  assert.deepEqual([a, b, d].map(rootOf), ["/a", "/b", "/d"]);
  assert(typeof c === "object" && c.error !== undefined);
});

Deno.test("[default] root = true ends the search upward", async () => {
  using folder = new ConfigFolder({
    "home/fleche.toml": `[far]\n${rooted("/far")}`,
    "home/project/fleche.toml": `[default]\nroot = true\n[near]\n${rooted("/near")}`,
    "home/project/sub/fleche.toml": `[sub]\n${rooted("/sub")}`,
  });
  const cwd = join(folder.project, "sub");
  const names = ["sub", "near", "far"];
  const [sub, near, far] = await load(names.map((name) => ({ cwd, env: folder.env, name })));
  assert.deepEqual([sub, near].map(rootOf), ["/sub", "/near"]);
  assert(typeof far === "object");
  assert.match(far.error?.message ?? "", /no cache "far"/);
});

const HOMES: Readonly<Record<string, (folder: ConfigFolder) => string>> = {
  "with a slash at its end": ({ home }) => `${home}/`,
  "with dots in it": ({ home }) => `${home}/project/..`,
  "as a link": (folder) => {
    Deno.symlinkSync(folder.home, folder.join("link"));
    return folder.join("link");
  },
};

for (const [how, write] of Object.entries(HOMES)) {
  Deno.test(`the home directory ends the search when HOME is written ${how}`, async () => {
    using folder = new ConfigFolder({
      "fleche.toml": `[above]\n${rooted("/above")}`,
      "home/fleche.toml": `[far]\n${rooted("/far")}`,
    });
    const env = { ...folder.env, HOME: write(folder) };
    const [far, above] = await load([{ cwd: folder.project, env, name: "far" }, { name: "above" }]);
    assert.equal(rootOf(far), "/far");
    assert(typeof above === "object");
    assert.notEqual(above.error, undefined);
  });
}

Deno.test("the user's own file is in ~/.config where XDG_CONFIG_HOME names no folder", async () => {
  using folder = new ConfigFolder({
    "home/.config/fleche/cache.toml": `[own]\n${rooted("/own")}`,
    "home/project/relative/fleche/cache.toml": `[own]\n${rooted("/relative")}`,
  });
  // The XDG base directory specification has relative paths ignored.
  for (const XDG_CONFIG_HOME of [null, "", "relative"]) {
    const env = { ...folder.env, XDG_CONFIG_HOME };
    const [own] = await load([{ cwd: folder.project, env, name: "own" }]);
    assert.equal(rootOf(own), "/own", `XDG_CONFIG_HOME = ${XDG_CONFIG_HOME}`);
  }
});

Deno.test("relative paths begin at the file that names them", async () => {
  const sql = (url: string) =>
    `values = { type = "void" }\ncalls = { type = "sql", url = "${url}" }`;
  using folder = new ConfigFolder({
    "home/fleche.toml": `[a]\n${rooted("values/../a")}\n[b]\n${rooted("~/b")}\n[c]\n${
      rooted("/c")
    }`,
    "home/project/fleche.toml": [
      `[url]\n${sql("sqlite:///sub/calls.db")}`,
      `[path]\n${sql("sub/calls.db")}`,
      `[home]\n${sql("sqlite:///~/calls.db")}`,
      `[absolute]\n${sql("sqlite:////x/calls.db")}`,
      `[memory-url]\n${sql("sqlite://")}`,
      `[memory-path]\n${sql(":memory:")}`,
    ].join("\n"),
    "config/fleche/cache.toml": `[own]\n${rooted("own")}`,
  });
  const cwd = join(folder.project, "deep");
  Deno.mkdirSync(cwd);
  const named = (name: string) => ({ cwd, env: folder.env, name });
  const [a, b, c, own] = await load(["a", "b", "c", "own"].map(named));
  assert.equal(rootOf(a), join(folder.home, "a"));
  assert.equal(rootOf(b), "~/b");
  assert.equal(rootOf(c), "/c");
  assert.equal(rootOf(own), folder.join("config", "fleche", "own"));
  const urls = ["url", "path", "home", "absolute", "memory-url", "memory-path"];
  const outcomes = await load(urls.map(named));
  const found = outcomes.slice(0, -1).map((each) => {
    assert(typeof each === "object" && each.config !== undefined, JSON.stringify(each));
    const calls: unknown = Reflect.get(each.config, "calls");
    return typeof calls === "object" && calls !== null ? Reflect.get(calls, "url") : undefined;
  });
  assert.deepEqual(found, [
    `sqlite:///${folder.project}/sub/calls.db`,
    `${folder.project}/sub/calls.db`,
    "sqlite:///~/calls.db",
    "sqlite:////x/calls.db",
    // What is left out is the default.
    undefined,
    ":memory:",
  ]);
});

Deno.test("a tilde that is no home directory begins a name like any other", async () => {
  using folder = new ConfigFolder({ "home/fleche.toml": `[a]\n${rooted("~data")}` });
  const [a] = await load([{ cwd: folder.project, env: folder.env, name: "a" }]);
  assert.equal(rootOf(a), join(folder.home, "~data"));
});

Deno.test("a file that cannot be read is an error that names it", async () => {
  using folder = new ConfigFolder();
  const path = join(folder.project, "fleche.toml");
  Deno.mkdirSync(path);
  const [outcome] = await load([{ cwd: folder.project, env: folder.env, name: "fast" }]);
  assert(typeof outcome === "object");
  assert.equal(outcome.error?.name, "ConfigError");
  assert.equal(outcome.error?.data.file, path);
  assert(outcome.error?.message.includes(path));
});
