import { fleche } from "@fleche/core";
import assert from "node:assert";
import { pathToFileURL } from "node:url";
import { fileIdentity } from "../../src/profile/module_identity.ts";
import { Folder } from "../_wrapper_program.ts";

Deno.test("fleche() takes the module from the file where it is called", () => {
  const { module, hashed, code } = fleche(function located() {}).describe();
  assert.equal(module, "@fleche/core/tests/profile/module_identity_test.ts");
  assert.deepEqual([hashed, code], [["module"], null]);
});

Deno.test("fileIdentity() is the same for a path and its URL", async () => {
  await using folder = await Folder.make({ "deno.json": '{ "name": "@a/b" }' });
  for (const name of ["mod.ts", "deep/er/mod.ts", "with space/ä#%25?.ts"]) {
    const path = `${folder.path}/${name}`;
    assert.deepEqual(fileIdentity(path), { module: `@a/b/${name}` });
    assert.deepEqual(fileIdentity(pathToFileURL(path).href), { module: `@a/b/${name}` });
  }
});

const PACKAGES:
  readonly (readonly [label: string, files: Record<string, string>, name?: string])[] = [
    ["deno.json", { "deno.json": '{ "version": "1.0.0", "name": "@a/b" }' }, "@a/b"],
    ["deno.jsonc", {
      "deno.jsonc":
        '// the "name": "c"\n{\n  /* { */ "tasks": { "name": "d" },\n  "name": "@a/b",\n}',
    }, "@a/b"],
    ["a deno.json with comments", { "deno.json": '{ // "name": "c",\n "name": "@a/b", }' }, "@a/b"],
    ["a deno.json with a byte order mark", { "deno.json": '\ufeff{ "name": "@a/b" }' }, "@a/b"],
    ["package.json", { "package.json": '{ "name": "plain" }' }, "plain"],
    ["deno.json before package.json", {
      "deno.json": '{ "name": "@a/b" }',
      "package.json": '{ "name": "plain" }',
    }, "@a/b"],
    ["package.json where deno.json has no name", {
      "deno.json": '{ "imports": {} }',
      "package.json": '{ "name": "plain" }',
    }, "plain"],
    ["no name where the nearest folder has none", {
      "../deno.json": '{ "name": "outer" }',
      "deno.json": '{ "tasks": { "name": "no" } }',
    }],
    ["no name where the package file is broken", { "package.json": '{ "name": ' }],
    ["no name where the package file is a list", { "package.json": '["name"]' }],
    ["no name where it is empty", { "package.json": '{ "name": "" }' }],
    ["no name where it is no text", { "package.json": '{ "name": 5 }' }],
  ];

for (const [label, files, name] of PACKAGES) {
  Deno.test(`fileIdentity() finds ${label}`, async () => {
    const placed = Object.entries(files).map((
      [path, text],
    ) => [path.startsWith("../") ? path.slice(3) : `package/${path}`, text]);
    await using folder = await Folder.make(Object.fromEntries(placed));
    const { module, remedy } = fileIdentity(`${folder.path}/package/src/mod.ts`);
    assert.equal(module, name === undefined ? null : `${name}/src/mod.ts`);
    assert.equal(remedy === undefined, name !== undefined);
  });
}

Deno.test("fileIdentity() goes by the nearest folder with a package file", async () => {
  await using folder = await Folder.make({
    "deno.json": '{ "name": "outer" }',
    "inner/package.json": '{ "name": "inner" }',
    "inner/deeper/mod.ts": "",
  });
  assert.equal(fileIdentity(`${folder.path}/inner/deeper/mod.ts`).module, "inner/deeper/mod.ts");
  assert.equal(fileIdentity(`${folder.path}/other/mod.ts`).module, "outer/other/mod.ts");
});

Deno.test("fileIdentity() passes over a folder with the name of a package file", async () => {
  await using folder = await Folder.make({
    "package.json": '{ "name": "outer" }',
    "inner/deno.json/mod.ts": "",
  });
  assert.equal(fileIdentity(`${folder.path}/inner/mod.ts`).module, "outer/inner/mod.ts");
});

Deno.test("fileIdentity() says what to do where there is no package", async () => {
  await using folder = await Folder.make({});
  const { module, remedy } = fileIdentity(`${folder.path}/mod.ts`);
  assert.equal(module, null);
  assert.match(remedy ?? "", /deno\.json/);
  assert.match(remedy ?? "", /option module/);
});

const ADDRESSES: readonly (readonly [file: string, module: string | null])[] = [
  ["https://jsr.io/@std/math/1.2.3/src/sum.ts", "jsr:@std/math/src/sum.ts"],
  ["https://jsr.io/@std/math/2.0.0-rc.1/src/sum.ts", "jsr:@std/math/src/sum.ts"],
  ["https://example.org/x@1/mod.ts?token=secret#part", "https://example.org/x@1/mod.ts"],
  ["http://user:secret@example.org:8080/mod.ts", "http://example.org:8080/mod.ts"],
  ["https://example.org/@std/math/1.2.3/sum.ts", "https://example.org/@std/math/1.2.3/sum.ts"],
  [
    "/home/u/.cache/deno/npm/registry.example.org/pure-math/1.2.3/lib/a.js",
    "npm:pure-math/lib/a.js",
  ],
  ["/c/npm/registry.example.org/@s/math/1.2.3-rc.1+b/lib/a.js", "npm:@s/math/lib/a.js"],
  ["file:///c/npm/registry.example.org/@s/math/1.2.3/lib/a.js", "npm:@s/math/lib/a.js"],
  ["/home/u/node_modules/pure-math/lib/a.js", "npm:pure-math/lib/a.js"],
  ["/home/u/node_modules/@s/math/lib/a.js", "npm:@s/math/lib/a.js"],
  ["/w/node_modules/.deno/@s+math@1.2.3/node_modules/@s/math/a.js", "npm:@s/math/a.js"],
  ["/w/node_modules/outer/node_modules/inner/a.js", "npm:inner/a.js"],
  ["file:///home/u/$deno$repl.mts", null],
  ["file:///home/u/$deno$eval.mts", null],
  ["$deno$stdin", null],
  ["evalmachine.<anonymous>", null],
  ["blob:null/0a1b2c", null],
  ["data:application/javascript,1", null],
];

for (const [file, module] of ADDRESSES) {
  Deno.test(`fileIdentity() makes ${module} of ${file}`, () => {
    const identity = fileIdentity(file);
    assert.equal(identity.module, module);
    assert.equal(identity.remedy === undefined, module !== null);
  });
}

Deno.test("fileIdentity() does not take a user's folder for the store of npm", async () => {
  await using folder = await Folder.make({
    "npm/my.project/deno.json": '{ "name": "@me/project" }',
  });
  const path = `${folder.path}/npm/my.project/src/mod.ts`;
  assert.equal(fileIdentity(path).module, "@me/project/src/mod.ts");
});

Deno.test("fileIdentity() keeps to the package where an npm package has a folder named npm", () => {
  const path = "/c/npm/registry.example.org/tool/1.2.3/npm/index.js";
  assert.equal(fileIdentity(path).module, "npm:tool/npm/index.js");
});
