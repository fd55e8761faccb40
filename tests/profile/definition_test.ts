import assert from "node:assert";
import { pathToFileURL } from "node:url";
import { fleche } from "@fleche/core";
import { made, warningsOf } from "../_wrapper.ts";
import { Folder, PACKAGE, run } from "../_wrapper_program.ts";
import denoConfig from "../../deno.json" with { type: "json" };

/** A function that caches others, and two modules that each give it a function of one name. */
const FILES: Record<string, string> = {
  "deno.json": JSON.stringify({ name: "@example/house", imports: denoConfig.imports }),
  "lib/cached.ts": `import { fleche } from ${JSON.stringify(PACKAGE)};
    type AnyFunction = (...args: any[]) => unknown;
    export const helper = () => "";
    export const cached = <F extends AnyFunction>(fn: F, options = {}) =>
      fleche(fn, { version: 1, ...options });`,
  "a.ts": moduleWith("a"),
  "b.ts": moduleWith("b"),
};

function moduleWith(value: string): string {
  return `import { cached } from "./lib/cached.ts";
    const helper = () => "${value}";
    export const plain = cached(async function run(x: number) { return helper() + x; });
    export const whole = cached(async function run(x: number): Promise<string> {
      return helper() + x;
    }, { hashCode: "module" });`;
}

interface Wrapped {
  digest(x: number): string;
  describe(x: number): { readonly module: string | null; readonly code: string | null };
}

async function load(folder: Folder, name: string): Promise<Record<string, Wrapped>> {
  return await import(pathToFileURL(`${folder.path}/${name}`).href);
}

Deno.test("fleche() finds the file that defines a function which another file caches", async () => {
  await using folder = await Folder.make(FILES);
  const [a, b] = [await load(folder, "a.ts"), await load(folder, "b.ts")];
  for (const name of ["plain", "whole"]) {
    assert.equal(a[name]?.describe(1).module, "@example/house/a.ts");
    assert.equal(b[name]?.describe(1).module, "@example/house/b.ts");
    assert.notEqual(a[name]?.digest(1), b[name]?.digest(1));
  }
  assert.notEqual(a["whole"]?.describe(1).code, b["whole"]?.describe(1).code);
});

Deno.test("fleche() joins the code of all files that a function may be defined in", async () => {
  const twice = (value: string) => ({
    ...FILES,
    "lib/cached.ts": `${FILES["lib/cached.ts"]}
      export async function run(x: number) { return helper() + x; }`,
    "a.ts": moduleWith(value),
  });
  const codes = [];
  for (const value of ["1", "2"]) {
    await using folder = await Folder.make(twice(value));
    codes.push((await load(folder, "a.ts"))["whole"]?.describe(1).code);
  }
  assert.notEqual(codes[0], codes[1]);
});

Deno.test("fleche() does not take a function for one of a file that it is not in", async () => {
  await using folder = await Folder.make({
    ...FILES,
    "far.ts": 'const other = () => "far"; export const far = (x: number) => other() + x;',
    "main.ts": `import { far as fn } from "./far.ts"; import { cached } from "./lib/cached.ts";
      export const plain = cached(fn, { name: "far" });
      export const make = () => cached(fn, { name: "far", hashCode: "module" });`,
  });
  let main: Record<string, Wrapped> & { make?: () => unknown } = {};
  const warnings = await warningsOf(async () => void (main = await load(folder, "main.ts")));
  assert.equal(main["plain"]?.describe(1).module, null);
  assert.match(main["plain"]?.describe(1).code ?? "", /^[0-9a-f]{64}$/);
  assert.match(
    warnings.join(),
    /the source of far joins its keys, since it is not defined in the file that caches it: call/,
  );
  assert.throws(
    () => main.make?.(),
    /^TypeError: Cannot hash the module of far: it is not defined in the file that caches it; call/,
  );
});

Deno.test("fleche() refuses to hash the module of a function that is made from a text", () => {
  assert.throws(
    () => fleche(made("(x) => x + 71"), { name: "from text", hashCode: "module" }),
    TypeError,
  );
});

/** Functions that are compiled into something else than what is written, each by its name. */
const WRITTEN = `
  import { cached } from "./lib/cached.ts";
  const h = (...parts: unknown[]) => parts;
  const enum Few { One = 1 }
  enum Many { One = 1 }
  namespace Space {
    export const inner = 1;
    export const named = async function named(x: number) { return inner + x; };
  }
  const options = { hashCode: "module" };
  cached(Space.named, options);
  cached(async function enums(x: number) { return Few.One + Many.One + x; }, options);
  cached(async function types<T>(this: void, x?: T, ...rest: readonly T[]): Promise<unknown> {
    enum Own { Q }
    type Z = 1;
    declare const none: Z;
    const view = <div title="it's">{x} text</div>;
    return [Own.Q, view!, (x as T), rest satisfies readonly T[], , 1_000, 'quoted', (await x)!];
  }, options);
  cached(async function classes() {
    abstract class Base { abstract m(): void; x!: number; declare y: string; readonly z? = 1; }
    class Own extends Base { constructor(private q = 1) { super(); } override m(): void {} }
    class Plain { get(): number; get(a?: number): number { return a ?? 1; } #p = 1; static { ; } }
    return [new Own().x, Plain];
  }, options);
  cached(async (x: number) => { using y: Disposable = { [Symbol.dispose]() {} }; return [x, y]; }, {
    ...options,
    name: "using",
  });
  cached(async x => x?.a!.b?.["c"] ?? (x as any).d, { ...options, name: "chain" });
  cached(async function imports() { return await import("./a.ts", {}); }, options);
  const object = { async method(x: number) { for await (const y of [x]) if (y) return y; } };
  cached(object.method, options);
  console.log("all");
`;

Deno.test("fleche() knows a function again that the compiler has changed", async () => {
  const compilerOptions = { jsx: "react", jsxFactory: "h" };
  await using folder = await Folder.make({
    ...FILES,
    "deno.json": JSON.stringify({ imports: denoConfig.imports, compilerOptions }),
    "main.tsx": WRITTEN,
  });
  const flags = ["--quiet", "--no-check", "--no-lock", "--no-prompt", "--allow-all"];
  const { stdout } = await run(Deno.execPath(), ["run", ...flags, "main.tsx"], {
    cwd: folder.path,
  });
  assert.equal(stdout, "all\n");
});
