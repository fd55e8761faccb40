import assert from "node:assert";
import { digest, registerType, UnknownTypeError } from "@fleche/core";
import { ascii, bytesOf, decoded, encoded, encodedWhole, hexOf } from "./_bytes.ts";
import { fields } from "./_malformed_objects.ts";
import { assertSame } from "./_same.ts";

class Point {
  constructor(readonly x: number, readonly y: number) {}
}

registerType<Point, [number, number]>({
  name: "test/Point",
  match: (value) => value instanceof Point,
  encode: ({ x, y }) => [x, y],
  decode: ([x, y]) => new Point(x, y),
});

class Tree {
  constructor(readonly label: unknown, readonly children: readonly Tree[] = []) {}
}

registerType<Tree, { label: unknown; children: readonly Tree[] }>({
  name: "test/Tree",
  match: (value) => value instanceof Tree,
  encode: ({ label, children }) => ({ label, children }),
  decode: ({ label, children }) => new Tree(label, children),
});

/** The parts of a type that does nothing of note. */
const idle = { match: () => false, encode: () => null, decode: () => null };

Deno.test("registerType() makes a class storable", () => {
  const bytes = encoded(new Point(1, -0.5));
  assert.equal(hexOf(bytes), fields(8, `aa${ascii("test/Point")}`, "92 01 cb bfe0000000000000"));
  const back = decoded(bytes);
  assert(back instanceof Point);
  assertSame(back, new Point(1, -0.5));
  assert.equal(digest(new Point(1, 2)).hex, digest(new Point(1, 2)).hex);
  assert.notEqual(digest(new Point(1, 2)).hex, digest(new Point(2, 1)).hex);
  assert.notEqual(digest(new Point(1, 2)).hex, digest([1, 2]).hex);
});

Deno.test("registerType() makes types storable wherever they occur", () => {
  const point = new Point(3, 4);
  const value = {
    list: [point, point],
    map: new Map<unknown, unknown>([[point, "key"], ["value", point]]),
    set: new Set([point]),
    error: Object.assign(new Error("e", { cause: point }), { point }),
    tree: new Tree(point, [new Tree("leaf"), new Tree([point])]),
  };
  assertSame(decoded(encoded(value)), value);
  assertSame(decoded(encoded(value, { identities: false }), {}), value);
});

Deno.test("registerType() lets large payloads be split off", () => {
  const tree = new Tree("x".repeat(70_000), [new Tree(new Float64Array(10_000))]);
  const { root, parts, source } = encodedWhole(tree);
  assert.equal(parts.length, 2);
  assertSame(decoded(root, { source }), tree);
});

Deno.test("registerType() refuses a name that is not 1 to 255 well-formed characters", () => {
  for (const name of ["", "n".repeat(256), "a\ud800", "\udc00"]) {
    assert.throws(() => registerType({ ...idle, name }), TypeError);
  }
  for (const name of [undefined, null, 1, ["a"]]) {
    assert.throws(() => Reflect.apply(registerType, undefined, [{ ...idle, name }]), TypeError);
  }
});

Deno.test("registerType() takes names of up to 255 characters of any kind", () => {
  class Any {
    constructor(readonly name: string) {}
  }
  for (
    const name of [
      "a",
      "n".repeat(255),
      "\u20ac".repeat(255),
      "\u{1f600}",
      "__proto__",
      "RegExp",
      "\0",
    ]
  ) {
    registerType<Any>({
      name,
      match: (value) => value instanceof Any && value.name === name,
      encode: (value) => value.name.length,
      decode: () => new Any(name),
    });
    assertSame(decoded(encoded([new Any(name)])), [new Any(name)], name.slice(0, 9));
  }
});

Deno.test("registerType() refuses a second type of one name, and keeps the first", () => {
  const wrong = { ...idle, name: "test/Point", match: (value: unknown) => value instanceof Point };
  assert.throws(() => registerType(wrong), (error) => {
    assert(error instanceof TypeError);
    assert.match(error.message, /"test\/Point"/);
    return true;
  });
  assertSame(decoded(encoded(new Point(1, 2))), new Point(1, 2));
});

Deno.test("registerType() tries types in the order in which they came", () => {
  class Animal {}
  class Cat extends Animal {}
  registerType({
    ...idle,
    name: "order/first",
    match: (value) => value instanceof Cat,
    encode: () => 1,
  });
  registerType({
    ...idle,
    name: "order/second",
    match: (value) => value instanceof Animal,
    encode: () => 2,
  });
  registerType({
    ...idle,
    name: "order/third",
    match: (value) => value instanceof Cat,
    encode: () => 3,
  });
  assert.equal(hexOf(encoded(new Cat())), fields(8, `ab${ascii("order/first")}`, "01"));
  assert.equal(hexOf(encoded(new Animal())), fields(8, `ac${ascii("order/second")}`, "02"));
});

Deno.test("registerType() goes before everything built in", () => {
  class Stack extends Array<number> {}
  const special = new Set<unknown>();
  const values = [
    Object.assign(Object.create(null), { special: true }),
    { special: true },
    new Map([["special", true]]),
    new Date(12_345),
    new Uint8Array(3),
    Object.assign(() => 1, { special: true }),
    new Stack(),
    new (class Odd {})(),
  ];
  for (const value of values) special.add(value);
  registerType({
    name: "special",
    match: (value) => special.has(value),
    encode: (value) => values.indexOf(value),
    decode: (index) => values[index as number],
  });
  values.forEach((value, index) => {
    const hex = fields(8, `a7${ascii("special")}`, `0${index}`);
    assert.equal(hexOf(encoded([value])), `91${hex}`);
    assert.equal(hexOf(encoded(value, { identities: false })), hex);
    assert.equal(decoded(encoded(value)), value);
  });
});

Deno.test("registerType() asks match() about objects and functions alone", () => {
  const asked: unknown[] = [];
  registerType({
    ...idle,
    name: "curious",
    match(value) {
      asked.push(value);
      return false;
    },
  });
  encoded([1, "a", null, undefined, true, 1n, NaN, "x".repeat(100), { key: 2 }]);
  assert(asked.length > 0);
  for (const value of asked) assert(typeof value === "object" && value !== null);
});

Deno.test("registerType() lets the errors of encode() and decode() pass", () => {
  class Fragile {
    constructor(readonly at: "encode" | "decode") {}
  }
  const error = new RangeError("mine");
  registerType<Fragile>({
    name: "fragile",
    match: (value) => value instanceof Fragile,
    encode({ at }) {
      if (at === "encode") throw error;
      return at;
    },
    decode() {
      throw error;
    },
  });
  assert.throws(() => encoded([new Fragile("encode")]), (thrown) => thrown === error);
  const bytes = encoded([new Fragile("decode")]);
  assert.throws(() => decoded(bytes), (thrown) => thrown === error);
  assertSame(decoded(encoded([1])), [1]);
});

Deno.test("registerType() leaves the names of other programs unknown", () => {
  const bytes = bytesOf(fields(8, `a9${ascii("elsewhere")}`, "c0"));
  assert.throws(() => decoded(bytes), UnknownTypeError);
  registerType({ ...idle, name: "elsewhere", decode: () => "here" });
  assert.equal(decoded(bytes), "here");
});

Deno.test("registerType() gives decode() what encode() gave", () => {
  class Holder {
    constructor(readonly content: unknown) {}
  }
  const received: unknown[] = [];
  registerType<Holder>({
    name: "holder",
    match: (value) => value instanceof Holder,
    encode: ({ content }) => content,
    decode(content) {
      received.push(content);
      return new Holder(content);
    },
  });
  const contents = [undefined, null, -0, new Map([[1, Float64Array.of(1)]]), new Holder(1), [[]]];
  for (const content of contents) {
    assertSame(decoded(encoded(new Holder(content))), new Holder(content));
    assertSame(received.at(-1), content);
  }
});
