import { type AnyFunction, fleche } from "@fleche/core";
import assert from "node:assert";
import { parseFunction, usesThis } from "../../src/profile/source.ts";
import { made } from "../_wrapper.ts";

function names(fn: AnyFunction, count: number): string[] {
  const args = Array.from({ length: count }, (_, index) => index);
  const wrapped = fleche(fn, { name: "syntax", hashCode: true });
  return Object.keys(wrapped.describe(...args).arguments);
}

/** Expressions that give functions, and what their two arguments are called. */
const FUNCTIONS: readonly (readonly [label: string, text: string, names?: string[]])[] = [
  ["a function", "function f(x, y) { return x; }"],
  ["an async function", "async function f(x, y) { await x; }"],
  ["a function without a name", "function (x, y) {}"],
  ["an arrow", "(x, y) => x"],
  ["an arrow of one parameter", "x => x", ["x", "[1]"]],
  ["an arrow that returns an object", "(x, y) => ({ x, y })"],
  ["an async arrow", "async (x, y) => await x"],
  ["an async arrow of one parameter", "async x => x", ["x", "[1]"]],
  ["a method", "({ method(x, y) { return x; } }).method"],
  ["an async method", "({ async method(x, y) {} }).method"],
  ["a method named by a string", "({ 'a ) b'(x, y) {} })['a ) b']"],
  ["a method named by a number", "({ 0.5(x, y) {} })[0.5]"],
  ["a method with a computed name", "({ ['a' + ({ b: ')' }).b](x, y) {} })['a)']"],
  ["a method that uses super", "({ m(x, y) { return super.m; } }).m"],
  ["an arrow as a property", "({ method: (x, y) => x }).method"],
  ["a function as a property", "({ method: function (x, y) {} }).method"],
  ["a method of a class", "(class { method(x, y) {} }).prototype.method"],
  ["a static method", "(class { static method(x, y) {} }).method"],
  ["a static async method", "(class { static async method(x, y) {} }).method"],
  [
    "a private method",
    "(class A { #method(x, y) {} static get it() { return new A().#method; } }).it",
  ],
  [
    "a static private method",
    "(class A { static #method(x, y) {} static get it() { return A.#method; } }).it",
  ],
  [
    "a method that reads a private field of its argument",
    "(class { #field = 1; static of(x, y) { return x.#field + y.#field; } }).of",
  ],
  [
    "an arrow that looks for a private field",
    "(class { #field = 1; static of = (x, y) => #field in x; }).of",
  ],
  [
    "an arrow that uses super",
    "({ make() { return (x, y) => super.toString(); } }).make()",
  ],
  ["a getter", "Object.getOwnPropertyDescriptor({ get a() { return 1; } }, 'a').get", [
    "[0]",
    "[1]",
  ]],
  ["a setter", "Object.getOwnPropertyDescriptor({ set a(x) {} }, 'a').set", ["x", "[1]"]],
  ["a static getter", "Object.getOwnPropertyDescriptor(class { static get a() {} }, 'a').get", [
    "[0]",
    "[1]",
  ]],
  ["a body with a with statement", "function f(x, y) { with (x) { return y; } }"],
  ["an octal number", "function f(x, y) { return 010; }"],
  ["parameters that are reserved in modules", "function f(let, yield) { return let; }", [
    "let",
    "yield",
  ]],
  ["a parameter named await", "function f(await, async) { return await; }", ["await", "async"]],
  ["parameters with escapes", "function f(\\u0078, y) {}"],
  ["a name with every kind of letter", "function f(ünï_$1, 変数) {}", ["ünï_$1", "変数"]],
  [
    "comments between all tokens",
    "function /* f( */ f /* ( */ ( /* x) */ x // ) {\n, y /* , z */ ) /* { */ { /* } */ }",
  ],
  [
    "defaults with parentheses and braces",
    "(x = ((a, b) => { return '){'; })(), y = { a: [')'], b() { return '}'; } }) => x",
  ],
  ["defaults with strings", "(x = '), z = (', y = \"'}\\\"\") => x"],
  ["defaults with templates", "(x = `) { ${`}${1}`} `, y = `\\``) => x"],
  ["defaults with regular expressions", "(x = /[)}/]\\/, z/g, y = 4 / 2 / 1) => x"],
  ["a body with what looks like other code", "(x, y) => { return /=> {/.test('}') + `)`; }"],
  ["new syntax", "function f(x, y) { return x?.a ?? (x ||= 1_000n) ** 2n; }"],
  ["a regular expression with sets", "(x, y) => /[\\p{L}--[a-z]]/v.test(x)"],
  ["a regular expression with modifiers", "(x, y) => /(?i:a)(?<n>b)|(?<n>c)/.test(x)"],
  ["a class with everything", "(x, y) => class { static { x; } #p = 1; static q; get [x]() {} }"],
  ["explicit resources", "function f(x, y) { using a = x; }"],
  ["asynchronous explicit resources", "async function f(x, y) { await using a = x; }"],
  ["dynamic import", "async (x, y) => await import('node:fs')"],
  ["a target of new", "function f(x, y) { return new.target; }"],
  ["a use strict directive", "function f(x, y) { 'use strict'; return x; }"],
  ...["get", "set", "async", "static", "function", "class", "new", "await", "of", "constructor"]
    .map(
      (name) => [`a method named ${name}`, `({ ${name}(x, y) {} }).${name}`] as const,
    ),
];

for (const [label, text, expected = ["x", "y"]] of FUNCTIONS) {
  Deno.test(`fleche() reads ${label}`, () => {
    assert.deepEqual(names(made(text), 2), expected);
  });
}

Deno.test("fleche() reads a function that knows its module", () => {
  assert.deepEqual(names((x: string, y: string) => import.meta.resolve(x + y), 2), ["x", "y"]);
});

const THIS = [
  "function f() { return this; }",
  "function f() { return () => this.a; }",
  "function f(a = this.b) {}",
  "function f({ [this.a]: b }) {}",
  "() => this",
  "({ m() { return super.m; } }).m",
  "({ m() { return () => super.m(); } }).m",
  "function f() { return `${this}`; }",
  "function f() { return { [this.a]() {} }; }",
  "function f() { return class extends this.A {}; }",
  "function f() { return class { [this.key]() {} }; }",
  "function f() { return class { static [this.key] = 1; }; }",
];

for (const text of THIS) {
  Deno.test(`usesThis() is true of ${text}`, () => {
    assert.equal(usesThisOf(made(text)), true);
  });
}

const NO_THIS = [
  "function f(a) { return a.this; }",
  "function f() { return { this: 1 }; }",
  "() => 'this' + `this` /* this */ + /this/.source",
  "function f() { return function () { return this; }; }",
  "function f(a = function () { return this; }) {}",
  "function f() { function g() { return () => this; } return g; }",
  "function f() { return { m() { return this; }, get a() { return super.a; } }; }",
  "function f() { return class { m() { return this; } a = this.b; static { this.c; } }; }",
  "function f() { return class extends Object { constructor() { super(); } }; }",
];

for (const text of NO_THIS) {
  Deno.test(`usesThis() is false of ${text}`, () => {
    assert.equal(usesThisOf(made(text)), false);
  });
}

function usesThisOf(fn: AnyFunction): boolean {
  const parsed = parseFunction(fn.toString());
  assert(parsed !== undefined);
  return usesThis(parsed.node);
}
