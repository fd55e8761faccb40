import assert from "node:assert";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { requirement } from "../_require.ts";
import { evaluate, Folder, PACKAGE, run, runFile } from "../_wrapper_program.ts";
import { expectedKey, plainDigest, plainPairs } from "../_wrapper_key.ts";

const SQUARE = "export function square(x) { return x * x; }";
const TOKENS = ["function", "square", "(", "x", ")", "{", "return", "x", "*", "x", ";", "}"];

/** A program that wraps two functions of its own and prints the keys of calls as JSON. */
const PROGRAM = `
import { fleche } from "${PACKAGE}";
const square = fleche(${SQUARE.slice("export ".length)});
const cube = fleche(function cube(x) { return x ** 3; });
console.log(JSON.stringify([square.digest(3), square.describe(3).module, cube.digest(3)]));
`;

Deno.test("fleche() gives the same key wherever the package stands", async () => {
  const files = { "deno.json": '{ "name": "@example/portable" }', "src/main.js": PROGRAM };
  await using one = await Folder.make(files);
  await using other = await Folder.make({ ...files, "deno.json": '{"name":"@example/portable"}' });
  const printed = [];
  for (const folder of [one, other]) {
    printed.push(JSON.parse((await runFile(`${folder.path}/src/main.js`)).stdout));
  }
  const identity = { name: "square", module: "@example/portable/src/main.js" };
  assert.equal(printed[0][0], expectedKey(identity, plainPairs({ x: 3 })));
  assert.equal(printed[0][1], identity.module);
  assert.deepEqual(printed[0], printed[1]);
});

Deno.test("fleche() puts the code into the key where there is no package, and says so once", async () => {
  await using folder = await Folder.make({ "main.js": PROGRAM });
  const { stdout, stderr } = await runFile(`${folder.path}/main.js`);
  const [key, module] = JSON.parse(stdout);
  assert.equal(module, null);
  const identity = { name: "square", code: plainDigest(TOKENS) };
  assert.equal(key, expectedKey(identity, plainPairs({ x: 3 })));
  const lines = stderr.split("\n").filter((line) => line !== "");
  assert.equal(lines.length, 1, stderr);
  assert.match(lines[0] ?? "", /source of square joins its keys/);
  assert.match(lines[0] ?? "", /add one, or set the option module/);
});

Deno.test("fleche() lets the newest definition win at a prompt", async () => {
  await using folder = await Folder.make({ "deno.json": '{ "name": "@example/prompt" }' });
  const code = `
    import { fleche, withCache } from ${JSON.stringify(PACKAGE)};
    const options = { name: "again", module: "m" };
    await withCache("memory", async () => {
      console.log(await fleche((x) => x + 1, options)(1));
      console.log(await fleche((x) => x + 2, { ...options, hashCode: true })(1));
      fleche((x) => x + 3, options);
      const { module, code } = fleche((x) => x, { name: "bare" }).describe();
      console.log(module, typeof code);
    });
  `;
  const { stdout, stderr } = await evaluate(code, folder.path);
  assert.equal(stdout, "2\n3\nnull string\n");
  assert.match(stderr, /prompt/);
});

// Where it is required and not at hand, the compiler has to download its runtime.
const isListed = (Deno.env.get("FLECHE_TEST_REQUIRE") ?? "").split(",").includes("compile");
const canCompile = requirement(
  "compile",
  isListed || Deno.env.get("DENORT_BIN") !== undefined,
  "DENORT_BIN does not name a compile runtime",
);

Deno.test({
  name: "fleche() gives the same key in a compiled program that embeds its deno.json",
  ignore: !canCompile,
  async fn() {
    const config = JSON.parse(
      await Deno.readTextFile(fileURLToPath(import.meta.resolve("../../deno.json"))),
    );
    const embedded = { name: "@example/embedded", imports: config.imports };
    await using folder = await Folder.make({
      "embedded/deno.json": JSON.stringify(embedded),
      // This one's deno.json is not embedded.
      "other/deno.json": '{ "name": "@example/other" }',
    });
    // Only relative specifiers lead to embedded files.
    const specifier = relative(`${folder.path}/embedded/src`, fileURLToPath(PACKAGE));
    const program = PROGRAM.replace(PACKAGE, specifier);
    await folder.write("embedded/src/main.js", `${program}\nimport "../../other/deep/main.js";`);
    const other = program.replaceAll("square", "root").replaceAll("cube", "power");
    await folder.write("other/deep/main.js", other);
    const cwd = `${folder.path}/embedded`;
    const compiler = Deno.env.get("FLECHE_COMPILE_DENO") ?? Deno.execPath();
    const permissions = ["--no-prompt", "--allow-read", "--allow-env", "--allow-sys"];
    const target = ["--include", "deno.json", "--output", "../program", "src/main.js"];
    const options = ["--quiet", "--no-check", "--no-lock", ...permissions, ...target];
    await run(compiler, ["compile", ...options], { cwd, seconds: 60 });
    const compiled = await run(`${folder.path}/program`, [], { cwd: folder.path });
    const started = await run(Deno.execPath(), [
      ...["run", "--quiet", "--no-check", "--no-lock", ...permissions, "src/main.js"],
    ], { cwd });
    const lines = ({ stdout }: { stdout: string }) =>
      stdout.trim().split("\n").map((line) => JSON.parse(line));
    // Imported modules run first.
    const [root, own] = lines(compiled);
    assert.deepEqual(own, lines(started)[1]);
    const identity = { name: "square", module: "@example/embedded/src/main.js" };
    assert.equal(own[0], expectedKey(identity, plainPairs({ x: 3 })));
    assert.equal(root[1], null);
    assert.equal(lines(started)[0][1], "@example/other/deep/main.js");
    assert.match(compiled.stderr, /compile with --include deno\.json/);
    assert.equal(started.stderr, "");
  },
});
