import assert from "node:assert";
import { relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { requirement } from "../_require.ts";
import { Folder, PACKAGE, run } from "../_wrapper_program.ts";
import denoConfig from "../../deno.json" with { type: "json" };

const MAIN = `import { fleche } from ${JSON.stringify(PACKAGE)};
import { a } from "./a.ts";
export const fn = fleche(function modular() {
  return a;
}, { hashCode: "module" });
`;

/** Some modules: main.ts exports a cached function. */
const FILES: Record<string, string> = {
  "main.ts": MAIN,
  "a.ts": "export const a: number = 1;\n",
};

interface Main {
  readonly fn: { describe(): { readonly code: string | null } };
}

/** The code of the function in main.ts, with some files changed. */
async function codeOf(changed: Record<string, string> = {}, main = "main.ts"): Promise<string> {
  await using folder = await Folder.make({ ...FILES, ...changed });
  const { fn }: Main = await import(pathToFileURL(`${folder.path}/${main}`).href);
  const { code } = fn.describe();
  assert.match(code ?? "", /^[0-9a-f]{64}$/);
  return code ?? "";
}

function withImport(line: string): string {
  return `${line}\n${MAIN}`;
}

Deno.test("hashCode module is the same wherever the files are, comments and white space not counting", async () => {
  const code = await codeOf();
  assert.equal(await codeOf(), code);
  assert.equal(
    await codeOf({
      "main.ts": `// First\n\n${MAIN.replace("return a;", "/* a */ return   a\n  ;")}`,
      "a.ts": "/** One. */\nexport\nconst a : number\n  = 1; // One",
    }),
    code,
  );
});

Deno.test("hashCode module changes with its own file and with what it imports", async () => {
  const code = await codeOf();
  const others = [
    await codeOf({ "main.ts": `${MAIN}const unused = 1;` }),
    await codeOf({ "main.ts": MAIN.replace("return a", "return -a") }),
    await codeOf({ "a.ts": "export const a: number = 2;" }),
    await codeOf({ "a.ts": 'export const a: string = "//";' }),
    await codeOf({ "a.ts": 'export const a: string = "//1";' }),
    await codeOf({ "a.ts": "export const a = `/* */`;" }),
    await codeOf({ "a.ts": "export const a = `/*  */`;" }),
    await codeOf({ "a.ts": "export const a = /[/*]/;" }),
    await codeOf({ "a.ts": "export const a = /[/*] */;" }),
  ];
  assert.equal(new Set([code, ...others]).size, others.length + 1);
});

Deno.test("hashCode module follows every kind of import, however deep", async () => {
  const lines = [
    'import "./b.ts";',
    'import * as b from "./b.ts";',
    'export { b } from "./b.ts";',
    'export * from "./b.ts";',
    'export * as b from "./b.ts";',
    'import { b } from "./c/d.ts";',
    'export const load = () => import("./b.ts");',
    "export const load = () => import(`./b.ts`);",
    'import b from "./b.json" with { type: "json" };',
  ];
  for (const line of lines) {
    const codes = await Promise.all([1, 2].map((value) =>
      codeOf({
        "main.ts": withImport(line),
        "b.ts": `export const b = ${value};`,
        "b.json": `${value}`,
        "c/d.ts": 'export { b } from "../b.ts";',
      })
    ));
    assert.notEqual(codes[0], codes[1], line);
  }
});

Deno.test("hashCode module does not follow imports of types", async () => {
  const lines = [
    'import type { B } from "./missing.ts";',
    'export type { B } from "./missing.ts";',
    'type B = import("./missing.ts").B;',
  ];
  for (const line of lines) await codeOf({ "main.ts": withImport(line) });
});

Deno.test("hashCode module reads modules that import each other", async () => {
  const files = (value: number) => ({
    "main.ts": withImport('import { b } from "./b.ts"; export const main = 1;'),
    "b.ts": 'import { c } from "./c.ts"; export const b = () => c;',
    "c.ts": `import { main } from "./main.ts"; export const c = () => main + ${value};`,
  });
  assert.equal(await codeOf(files(1)), await codeOf(files(1)));
  assert.notEqual(await codeOf(files(1)), await codeOf(files(2)));
});

Deno.test("hashCode module tells apart which of two modules is imported", async () => {
  const files = { "b.ts": "export const a = 2;" };
  const [first, second] = ["./a.ts", "./b.ts"].map((name) =>
    `import { a as chosen } from "${name}"; import "./a.ts"; import "./b.ts"; export { chosen };`
  );
  const codes = [];
  for (const line of [first, second]) {
    codes.push(await codeOf({ ...files, "main.ts": withImport(line ?? "") }));
  }
  assert.notEqual(codes[0], codes[1]);
});

Deno.test("hashCode module takes what is not local by its name", async () => {
  const other = (name: string) => codeOf({ "main.ts": withImport(`import "${name}";`) });
  assert.notEqual(await other("node:fs"), await other("node:path"));
  assert.notEqual(await other("npm:acorn@8"), await other("npm:acorn@^8"));
});

Deno.test("hashCode module reads all of TypeScript, JSX too", async () => {
  const code = (text: string) => codeOf({ "a.ts": text });
  const text = `
    enum Color { Red, Green }
    namespace Space { export const inner = 1; }
    declare const missing: number;
    abstract class Base<in out T> { abstract run(): void; constructor(private readonly x: T) {} }
    class Sub extends Base<string> { override run() {} static { this.name; } #z?: 2; }
    type Text<T> = T extends infer U extends string ? \`\${U}-\${Color}\` : never;
    function assert(x: unknown): asserts x is string {}
    const divide = (a: number, b: number) => a / b / 2;
    const generic = <T,>(x: T) => x satisfies T as T;
    const regex = divide(1, 2) < 3 ? /[/]"\\/\`/g : Space.inner!;
    export const a = [Color, Sub, assert, generic, regex] as const;`;
  assert.equal(await code(text), await code(`${text}\n// The end`));
  assert.notEqual(await code(text), await code(text.replace("b / 2", "b / 3")));
  const tsx = (markup: string) =>
    codeOf({
      "main.ts": withImport('import "./view.tsx";'),
      "view.tsx":
        `/** @jsx h */\nconst h = (...parts: unknown[]) => parts;\nexport default ${markup};`,
    });
  const link = await tsx("<b title='1'>http://x {/* none */ 1} 'y</b>");
  assert.equal(await tsx("<b  title='1'>http://x {/* no */  1} 'y</b>"), link);
  assert.notEqual(await tsx("<b title='1'>http://y {1} 'y</b>"), link);
  assert.notEqual(await tsx("<b title='1'>http://x  {1} 'y</b>"), link);
});

Deno.test("hashCode module keeps line ends that matter", async () => {
  const code = (body: string) => codeOf({ "a.ts": `export const a = () => { ${body} };` });
  assert.notEqual(await code("return\n1"), await code("return 1"));
  assert.notEqual(await code("let x = 1, y = 1; x\n++y"), await code("let x = 1, y = 1; x++\ny"));
  const field = (text: string) =>
    codeOf({ "a.ts": `export class A { ${text} }; export const a = 1;` });
  assert.notEqual(await field("get\nx() {}"), await field("get x() { return }"));
  assert.notEqual(await field("static\nx"), await field("static; x"));
});

Deno.test("hashCode module says which module it cannot read", async () => {
  const rejects = async (line: string, message: RegExp) => {
    const files = { "main.ts": withImport(line), "old.cjs": "" };
    await assert.rejects(codeOf(files), (error) => {
      assert(error instanceof TypeError);
      assert.match(error.message, message);
      return true;
    });
  };
  await rejects('() => import("./gone.ts");', /^Cannot read the module .*gone\.ts: /);
  await rejects(
    "(x: string) => import(x);",
    /main\.ts: it imports a module whose name is computed/,
  );
  await rejects('() => import("./old.cjs");', /old\.cjs: it is a CommonJS module/);
  await rejects('() => import("no-such-alias/x");', /imports as "no-such-alias\/x" is not known/);
});

Deno.test("hashCode module follows the aliases of an import map", async () => {
  const files = (value: number) => ({
    "deno.json": JSON.stringify({
      imports: { ...denoConfig.imports, "@/": "./lib/", "whole": "./lib/whole.ts" },
    }),
    "main.ts": `import "@/b.ts"; import "whole"; import "npm:acorn";
      ${MAIN} console.log(fn.describe().code);`,
    "lib/b.ts": `export const b = ${value % 10};`,
    "lib/whole.ts": `export const whole = ${Math.floor(value / 10)};`,
  });
  const code = async (value: number) => {
    await using folder = await Folder.make({ ...FILES, ...files(value) });
    const flags = ["--quiet", "--no-check", "--no-lock", "--no-prompt", "--allow-all"];
    return (await run(Deno.execPath(), ["run", ...flags, "main.ts"], { cwd: folder.path })).stdout;
  };
  const codes = [await code(11), await code(12), await code(21)];
  assert.equal(new Set(codes).size, 3);
  assert.equal(await code(11), codes[0]);
});

/** What a program of its own, with its own import map, prints as the code of its function. */
async function codeOfProgram(files: Record<string, string>): Promise<string> {
  await using folder = await Folder.make({ ...FILES, ...files });
  const flags = ["--quiet", "--no-check", "--no-lock", "--no-prompt", "--allow-all"];
  return (await run(Deno.execPath(), ["run", ...flags, "run.ts"], { cwd: folder.path })).stdout;
}

Deno.test("hashCode module follows the scopes of an import map, in files of their own too", async () => {
  const files = (map: Record<string, unknown>, value: number) => ({
    "run.ts": 'import { fn } from "./sub/main.ts"; console.log(fn(), fn.describe().code);',
    "sub/main.ts": `import { value } from "value"; import { over } from "../plain.ts";
      import { fleche } from ${JSON.stringify(PACKAGE)};
      export const fn = fleche(() => [value, over], { name: "scoped", hashCode: "module" });`,
    "plain.ts": 'export const over = "plain";',
    "outer.ts": 'export const value = "outer";',
    "inner.ts": `export const value = ${value % 10};`,
    "over.ts": `export const over = ${Math.floor(value / 10)};`,
    "deno.json": JSON.stringify({ ...map, name: "@example/scopes" }),
    "map.json": JSON.stringify(MAP),
  });
  const MAP = {
    imports: { ...denoConfig.imports, value: "./outer.ts" },
    scopes: { "./sub/": { value: "./inner.ts", "./plain.ts": "./over.ts" } },
  };
  for (const map of [MAP, { importMap: "./map.json" }]) {
    const codes = [];
    for (const value of [11, 12, 21, 11]) codes.push(await codeOfProgram(files(map, value)));
    assert.equal(new Set(codes).size, 3);
    assert.equal(codes[3], codes[0]);
  }
});

Deno.test("hashCode module follows dynamic imports whatever their options", async () => {
  const lines = [
    'import("./b.ts", {})',
    'import("./b.ts", options)',
    'import("./b.ts", { with: {} })',
    'import("./b.ts", { with: options })',
    'import("./b.ts", { ...options })',
  ];
  for (const line of lines) {
    for (const loader of ["load.js", "load.ts"]) {
      const code = (value: number) =>
        codeOf({
          "main.ts": withImport(`import "./${loader}";`),
          [loader]: `const options = {}; export const load = () => ${line};`,
          "b.ts": 'export { c } from "./c.ts";',
          "c.ts": `export const c = ${value};`,
        });
      assert.notEqual(await code(1), await code(2), `${line} in ${loader}`);
    }
  }
});

Deno.test("hashCode module takes the bytes of what may be imported as data", async () => {
  const code = (options: string, text: string) =>
    codeOf({
      "main.ts": withImport(`const type = "text";
        export const load = () => import("./b.ts", ${options});`),
      "b.ts": text,
    });
  for (const options of ['{ with: { type: "text" } }', "{ with: { type } }"]) {
    assert.notEqual(await code(options, "// One"), await code(options, "// Two"), options);
  }
  assert.equal(await code("{}", "// One"), await code("{}", "// Two"));
  await assert.rejects(
    code('{ with: { type: "odd" } }', ""),
    /main\.ts: it imports "\.\/b\.ts" as the unknown type odd; set hashCode to true/,
  );
});

Deno.test("hashCode module reads a file both as data and as a module", async () => {
  const importing = [
    'export const text = () => import("./b.ts", { with: { type: "text" } });',
    'import "./b.ts";',
  ];
  for (const lines of [importing, importing.toReversed()]) {
    const code = (text: string, value: number) =>
      codeOf({
        "main.ts": withImport(lines.join("\n")),
        "b.ts": `${text}\nexport { c } from "./c.ts";`,
        "c.ts": `export const c = ${value};`,
      });
    const codes = [await code("// One", 1), await code("// Two", 1), await code("// One", 2)];
    assert.equal(new Set(codes).size, 3);
  }
});

Deno.test("hashCode module follows what WebAssembly imports", async () => {
  // The magic number and version, a type () -> (), and an import of "f" from "./b.ts".
  const wasm = [
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0],
    ...[2, 12, 1, 6, ...new TextEncoder().encode("./b.ts"), 1, 0x66, 0, 0],
  ];
  const code = async (value: number) => {
    await using folder = await Folder.make({
      ...FILES,
      "main.ts": withImport('export const load = () => import("./b.wasm");'),
      "b.ts": `export const f = () => ${value};`,
    });
    await Deno.writeFile(`${folder.path}/b.wasm`, new Uint8Array(wasm));
    const { fn }: Main = await import(pathToFileURL(`${folder.path}/main.ts`).href);
    return fn.describe().code;
  };
  assert.notEqual(await code(1), await code(2));
});

Deno.test("hashCode module takes the text of what does not parse, and all that it may import", async () => {
  const lines = [
    'const a = 1, b = 2; export const x = a ? (b) : c => c; import "./c.ts";',
    'export default abstract class {} export * from "./c\\x2ets";',
    "import defer * as c from './c.ts';",
    "export abstract class {} export const c = () => import /* it's */ (`./c.ts`, {});",
  ];
  for (const line of lines) {
    const code = (comment: string, value: number) =>
      codeOf({
        "main.ts": withImport('export const load = () => import("./b.ts");'),
        "b.ts": `${line} // ${comment}`,
        "c.ts": 'export { d } from "./d.ts";',
        "d.ts": `export const d = ${value};`,
      });
    const codes = [await code("It's", 1), await code("It", 1), await code("It's", 2)];
    assert.equal(new Set(codes).size, 3, line);
    assert.equal(await code("It's", 1), codes[0]);
  }
  const computed = [
    "import(x)",
    "import('./c' + x)",
    "import(`./${x}`)",
    "import.defer(x)",
    "import /* ( */ // (\n (x)",
  ];
  for (const line of computed) {
    await assert.rejects(
      codeOf({
        "main.ts": withImport('export const load = () => import("./b.ts");'),
        "b.ts": `\nexport default abstract class {} (x) => ${line};`,
      }),
      /b\.ts: .*\(2:30\), and what it imports is not certain; set hashCode to true$/,
      line,
    );
  }
});

Deno.test("hashCode module tells two functions of one module apart", async () => {
  const second = MAIN.replace("return a", "return -a").replace("const fn", "const other")
    .replace(/^import.*\n/gm, "");
  await using folder = await Folder.make({ ...FILES, "main.ts": MAIN + second });
  const module: Main & { other: Main["fn"] } = await import(
    pathToFileURL(`${folder.path}/main.ts`).href
  );
  assert.notEqual(module.fn.describe().code, module.other.describe().code);
});

// Where it is required and not at hand, the compiler has to download its runtime.
const isListed = (Deno.env.get("FLECHE_TEST_REQUIRE") ?? "").split(",").includes("compile");
const canCompile = requirement(
  "compile",
  isListed || Deno.env.get("DENORT_BIN") !== undefined,
  "DENORT_BIN does not name a compile runtime",
);

Deno.test({
  name: "hashCode module gives the same in a compiled program",
  ignore: !canCompile,
  async fn() {
    const imports = denoConfig.imports;
    await using folder = await Folder.make({
      "program/deno.json": JSON.stringify({ name: "@example/program", imports }),
      "program/a.ts": "export const a: number = 1; // One",
    });
    const cwd = `${folder.path}/program`;
    // Only relative specifiers lead to embedded files.
    const main = MAIN.replace(PACKAGE, relative(cwd, fileURLToPath(PACKAGE)));
    await folder.write("program/main.ts", `${main}console.log(fn.describe().code);`);
    const flags = ["--quiet", "--no-check", "--no-lock", "--no-prompt", "--allow-all"];
    const started = await run(Deno.execPath(), ["run", ...flags, "main.ts"], { cwd });
    const compiler = Deno.env.get("FLECHE_COMPILE_DENO") ?? Deno.execPath();
    const target = ["--include", "deno.json", "--output", "../main", "main.ts"];
    await run(compiler, ["compile", ...flags, ...target], { cwd, seconds: 60 });
    await Deno.remove(cwd, { recursive: true });
    const compiled = await run(`${folder.path}/main`, [], { cwd: folder.path });
    assert.match(started.stdout, /^[0-9a-f]{64}\n$/);
    assert.equal(compiled.stdout, started.stdout);
  },
});
