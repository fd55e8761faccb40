import { fleche } from "@fleche/core";
import assert from "node:assert";
import { made } from "../_wrapper.ts";
import { plainDigest } from "../_wrapper_key.ts";

function sourceOf(text: string): string {
  const { source } = fleche(made(text), { name: "source", hashCode: true }).describe();
  assert(source !== null);
  return source;
}

const SAME: readonly (readonly [label: string, one: string, other: string])[] = [
  ["white space", "function f(a,b){return a+b}", "function  f ( a , b ) {\n\treturn a + b\n}"],
  [
    "comments",
    "(a) => { return a; }",
    "(a /* the\n first */) => { // body {\n  return /* ) */ a; /* end */ }",
  ],
  ["line ends", "(a) => {\n  return a;\n}", "(a) => {\r\n  return a;\r\n}"],
  ["line breaks in an expression", "(a) => a + 1", "(a) =>\n  a\n  + 1"],
  ["a line break before a call's parentheses", "(a) => a (1)", "(a) => a\n(1)"],
  ["a comment that looks like a string", "() => 'x'", "() => /* ' */ 'x'"],
];

for (const [label, one, other] of SAME) {
  Deno.test(`fleche() takes no notice of ${label} in the source`, () => {
    assert.equal(sourceOf(one), sourceOf(other));
  });
}

const DIFFERENT: readonly (readonly [label: string, one: string, other: string])[] = [
  ["a name", "(a) => a", "(b) => b"],
  ["a number", "() => 1", "() => 2"],
  ["an operator", "(a) => a + 1", "(a) => a - 1"],
  ["text in quotes", "() => 'a b'", "() => 'a  b'"],
  ["text in a template", "() => `a\nb`", "() => `a b`"],
  ["the text of a template that looks like a comment", "() => `/*a*/`", "() => `/*b*/`"],
  ["a regular expression", "() => /a b/", "() => /a  b/"],
  ["a flag of a regular expression", "() => /a/g", "() => /a/i"],
  ["a default", "(a = 1) => a", "(a = 2) => a"],
  ["async", "() => 1", "async () => 1"],
  ["where one token ends", "(a, b) => a + +b", "(a, b) => a++ + b"],
  ["a line break after return", "(a) => { return a }", "(a) => { return\na }"],
  ["a comment with a line break after return", "(a) => { return a }", "(a) => { return /*\n*/ a }"],
  [
    "a line break after break",
    "(x) => { x: for (;;) { for (;;) { break x } } }",
    "(x) => { x: for (;;) { for (;;) { break\nx } } }",
  ],
  [
    "a line break after continue",
    "(x) => { x: while (x--) { for (;;) { continue x } } }",
    "(x) => { x: while (x--) { for (;;) { continue\nx } } }",
  ],
  [
    "a line break after yield",
    "(x) => { function* g() { yield x } }",
    "(x) => { function* g() { yield\nx } }",
  ],
  ["a line break before ++", "(a, b) => { a\n++b }", "(a, b) => { a++\nb }"],
  ["a line break before --", "(a, b) => { a\n--b }", "(a, b) => { a--\nb }"],
  [
    "a line break after async",
    "(async) => { async function g() {} return g() }",
    "(async) => { async\nfunction g() {} return g() }",
  ],
  [
    "a line break after using",
    "(using, x) => { { using x = null; } return x }",
    "(using, x) => { { using\nx = null; } return x }",
  ],
];

for (const [label, one, other] of DIFFERENT) {
  Deno.test(`fleche() takes notice of ${label} in the source`, () => {
    assert.notEqual(sourceOf(one), sourceOf(other));
  });
}

Deno.test("fleche() digests the texts of the tokens", () => {
  const tokens = ["function", "f", "(", "a", ",", "b", "=", "'x y'", ")", "{"];
  tokens.push("return", "a", "[", "b", "]", "?.", "c", ";", "}");
  const text = "function f(a, b = 'x y') { /* why */ return a[b]?.c; }";
  assert.equal(sourceOf(text), plainDigest(tokens));
});

Deno.test("fleche() takes the same notice of a method wherever it is defined", () => {
  const inObject = "({ m(a) { return a } }).m";
  const inClass = "(class { m(a) { return a } }).prototype.m";
  const inStatic = "(class { static m(a) { return a } }).m";
  assert.equal(sourceOf(inObject), sourceOf(inClass));
  assert.equal(sourceOf(inObject), sourceOf(inStatic));
});
