import { type AnyFunction, fleche, type FlecheOptions } from "@fleche/core";
import assert from "node:assert";
import { made, warningsOf } from "../_wrapper.ts";

function refusal(fn: unknown, options: FlecheOptions = {}): string {
  let message = "";
  assert.throws(() => fleche(fn as AnyFunction, options), (error) => {
    assert(error instanceof TypeError);
    message = error.message;
    return true;
  });
  return message;
}

Deno.test("fleche() throws TypeError for a function without a name", () => {
  assert.match(refusal(() => 1), /name/);
  assert.match(refusal(function () {}), /name/);
  assert.match(refusal(() => 1, { name: "" }), /name/);
});

Deno.test("fleche() throws TypeError for generators", () => {
  for (
    const text of [
      "function* collect() {}",
      "async function* collect() {}",
      "({ *collect() {} }).collect",
      "({ async *collect() {} }).collect",
    ]
  ) {
    assert.match(refusal(made(text)), /generator collect/);
  }
});

Deno.test("fleche() throws TypeError for classes", () => {
  assert.match(refusal(class Model {}), /class Model/);
  assert.match(refusal(class extends Array {}, { name: "Series" }), /class Series/);
});

Deno.test("fleche() throws TypeError for what is not a function", () => {
  for (const each of [undefined, null, 5, "f", {}]) {
    assert.match(refusal(each, { name: "f" }), /not a function/);
  }
});

Deno.test("fleche() wants a name, and a version or deps, for native and bound functions", () => {
  const double = (x: number, factor = 2) => x * factor;
  for (const fn of [Math.hypot, double.bind(null, 4), new Proxy(double, {})]) {
    for (const options of [{}, { name: "given" }, { version: 1 }, { deps: [] }]) {
      assert.match(refusal(fn, options), /name, and a version or deps/);
    }
  }
  const byVersion = fleche(Math.hypot, { name: "hypot", version: 1 }).describe(3, 4);
  assert.deepEqual(byVersion.arguments, { "[0]": 3, "[1]": 4 });
  assert.deepEqual([byVersion.version, byVersion.source, byVersion.code], [1, null, null]);
  const byDeps = fleche(double.bind(null, 4), { name: "double four", deps: [4] }).describe();
  assert.match(byDeps.deps ?? "", /^[0-9a-f]{64}$/);
});

Deno.test("fleche() names the arguments of a native function after params", () => {
  const power = fleche(Math.pow, { name: "power", version: 1, params: ["base", "exponent"] });
  assert.deepEqual(power.describe(2, 3).arguments, { base: 2, exponent: 3 });
});

Deno.test("fleche() throws TypeError where the code of a native function is to be hashed", () => {
  assert.match(refusal(Math.min, { name: "min", version: 1, hashCode: true }), /native/);
});

Deno.test("fleche() throws TypeError for a version that is neither number nor string", () => {
  for (const version of [null, {}, true, 1n, ["1"]]) {
    assert.match(refusal(() => 1, { name: "f", version } as FlecheOptions), /version of f/);
  }
});

Deno.test("fleche() takes the function's name, or that of the options", () => {
  const own = fleche(function ownName() {}, { hashCode: true });
  assert.equal(own.describe().name, "ownName");
  assert.equal(own.name, "ownName");
  assert.equal(fleche(() => 1, { name: "given/name é" }).describe().name, "given/name é");
  const getter = made("Object.getOwnPropertyDescriptor({ get size() {} }, 'size').get");
  assert.equal(fleche(getter, { hashCode: true }).describe().name, "get size");
});

Deno.test("fleche() renames parameters by params, and keeps their defaults", () => {
  const fn = made("(a, b = 2, c = 3) => a");
  const renamed = fleche(fn, { name: "renamed", hashCode: true, params: ["x", "y"] });
  assert.deepEqual(renamed.describe(1).arguments, { x: 1, y: 2 });
  assert.deepEqual(renamed.describe(1, 5, 6).arguments, { x: 1, y: 5, "[2]": 6 });
  const whole = fleche(made("({ a, b }) => a"), {
    name: "whole",
    hashCode: true,
    params: ["settings"],
  });
  assert.deepEqual(whole.describe({ a: 1 }).arguments, { settings: { a: 1 } });
});

Deno.test("fleche() throws TypeError where two parameters get one name", () => {
  assert.match(refusal(made("(a, b) => a"), { name: "f", params: ["x", "x"] }), /twice/);
  assert.match(refusal(made("(a) => a"), { name: "f", params: ["[1]"] }), /surplus arguments/);
  assert.match(
    refusal(made("(a, ...r) => a"), { name: "f", params: ["x", "y"] }),
    /rest parameter/,
  );
  assert.match(refusal(made("(a, ...x) => a"), { name: "f", params: ["x"] }), /twice/);
});

Deno.test("fleche() throws TypeError for a misspelt name in ignore or require, saying what there is", () => {
  const fn = made("(alpha, { beta }, ...rest) => alpha");
  for (const option of ["ignore", "require"] as const) {
    const message = refusal(fn, { name: "misspelt", [option]: ["alpha", "alhpa"] });
    assert.match(message, /"alhpa" of misspelt/);
    assert.match(message, /alpha, \[1\], rest/);
    assert.match(refusal(made("({ alpha }) => 1"), { name: "f", [option]: ["beta"] }), /alpha/);
    assert.match(refusal(made("() => 1"), { name: "f", [option]: ["a"] }), /none/);
    const renamed = { name: "f", params: ["first"], [option]: ["alpha"] };
    assert.match(refusal(fn, renamed), /first/);
  }
});

Deno.test("fleche() leaves ignored arguments out of key and record", () => {
  const fn = fleche(made("(x, verbose = false, ...log) => x"), {
    name: "quiet",
    hashCode: true,
    ignore: ["verbose", "log"],
  });
  assert.deepEqual(fn.describe(1, true, 2, 3).arguments, { x: 1 });
  assert.equal(fn.digest(1), fn.digest(1, true, () => "indigestible"));
  assert.notEqual(fn.digest(1), fn.digest(2));
});

Deno.test("fleche() ignores properties of a destructured object, and arguments by position", () => {
  const open = fleche(made("({ x, ...rest }) => x"), {
    name: "open",
    hashCode: true,
    ignore: ["verbose", "x"],
  });
  assert.deepEqual(open.describe({ x: 1, verbose: true, y: 2 }).arguments, { y: 2 });
  const surplus = fleche(made("function (x) {}"), {
    name: "surplus",
    hashCode: true,
    ignore: ["[1]"],
  });
  assert.deepEqual(surplus.describe(1, 2, 3).arguments, { x: 1, "[2]": 3 });
});

Deno.test("fleche() warns of nothing while it wraps", async () => {
  const warnings = await warningsOf(() =>
    fleche(function unremarkable(x: number) {
      return x;
    })
  );
  assert.deepEqual(warnings, []);
});

const WRONG: readonly (readonly [option: string, value: unknown, message: RegExp])[] = [
  ["versoin", 2, /unknown option versoin of f; did you mean version\?/],
  ["Version", 2, /did you mean version\?/],
  ["hashcode", true, /did you mean hashCode\?/],
  ["colour", "red", /unknown option colour of f; there are name, module, version/],
  ["name", 3, /option name of f: it takes a string that is not empty/],
  ["module", 3, /option module of f: it takes a string or null/],
  ["version", NaN, /option version of f: it takes a number or a string/],
  ["version", null, /option version of f/],
  ["params", "x", /option params of f: it takes a list of parameter names/],
  ["require", "x", /option require of f: it takes a list of parameter names/],
  ["ignore", [1], /option ignore of f: it takes a list of parameter names/],
  ["hashVersion", 1, /option hashVersion of f: it takes true or false/],
  ["hashModule", "no", /option hashModule of f: it takes true or false/],
  ["hashCode", "yes", /option hashCode of f: it takes true, false or "module"/],
  ["deps", "x", /option deps of f: it takes a list, or a function that returns one/],
  ["meta", ["Git"], /option meta of f: it takes a list of metadata, as \[new Git\(\)\]/],
  ["isolate", 1, /option isolate of f: it takes true or false/],
  ["storeArguments", 0, /option storeArguments of f: it takes true or false/],
  ["onStale", "recompte", /option onStale of f: it takes "warn", "recompute" or "ignore"/],
  ["singleFlight", null, /option singleFlight of f: it takes true or false/],
];

for (const [option, value, message] of WRONG) {
  Deno.test(`fleche() throws TypeError for the option ${option}: ${JSON.stringify(value)}`, () => {
    assert.match(
      refusal(function f(x: number) {
        return x;
      }, { [option]: value }),
      message,
    );
  });
}

Deno.test("fleche() takes no notice of options that are undefined", () => {
  const options = Object.fromEntries(WRONG.slice(4).map(([option]) => [option, undefined]));
  assert.equal(
    typeof fleche(made("function undefinedOptions(x) { return x }"), options),
    "function",
  );
});

Deno.test("fleche() throws TypeError for an argument that is required and ignored", () => {
  const f = made("function f(x) { return x }");
  assert.match(refusal(f, { require: ["x"], ignore: ["x"] }), /both require and ignore .* x of f/);
});
