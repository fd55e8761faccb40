import { runInNewContext } from "node:vm";
import { D, Digest, digest, fleche, Identity, IndigestibleError, pure } from "@fleche/core";
import assert from "node:assert";
import { encoded } from "./_bytes.ts";
import { assertIndigestible } from "./_indigestible.ts";

const METHOD = Symbol.for("fleche.digest");

class Point {
  constructor(readonly x: number) {}
}

function detached<T extends ArrayBufferView>(view: T): T {
  structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
  return view;
}

function withPrototype(value: object, prototype: object | null): object {
  return Object.setPrototypeOf(value, prototype);
}

const CULPRITS: readonly (readonly [label: string, value: () => unknown, reason: RegExp])[] = [
  // what means nothing outside this process
  ["a symbol", () => Symbol("x"), /symbol/],
  ["a registered symbol", () => Symbol.for("x"), /symbol/],
  ["a symbol key", () => ({ [Symbol("x")]: 1 }), /symbol keys/],
  [
    "a hidden symbol key",
    () => Object.defineProperty({}, Symbol("x"), { value: 1 }),
    /symbol keys/,
  ],
  ["Math", () => Math, /symbol keys/],
  ["an arguments object", () =>
    (function () {
      return arguments;
    })(), /symbol keys/],
  // keys
  ["an own __proto__ key", () => JSON.parse('{"__proto__": 1}'), /__proto__/],
  // functions
  ["a function", () => () => 1, /fleche\(\).*pure\(\)/],
  ["a class", () => Point, /function/],
  ["a native function", () => Math.max, /function/],
  ["a bound function", () => (() => 1).bind(null), /function/],
  ["an async generator function", () => async function* () {}, /function/],
  // match arrays
  ["the result of exec()", () => /a/.exec("a"), /match of a regular expression/],
  ["the result of match()", () => "a".match(/(a)/), /match of a regular expression/],
  ["a result of matchAll()", () => [..."a".matchAll(/a/g)][0], /match of a regular expression/],
  // boxed primitives
  ["a boxed number", () => Object(1), /boxed primitive.*valueOf/],
  ["a boxed string", () => Object("a"), /boxed primitive/],
  ["a boxed boolean", () => Object(false), /boxed primitive/],
  ["a boxed bigint", () => Object(1n), /boxed primitive/],
  ["a boxed symbol", () => Object(Symbol("x")), /boxed primitive/],
  // what has no content
  ["a promise", () => Promise.resolve(1), /promise.*await/],
  ["a WeakMap", () => new WeakMap(), /weak collection/],
  ["a WeakSet", () => new WeakSet(), /weak collection/],
  ["a WeakRef", () => new WeakRef({}), /weak reference/],
  ["a ReadableStream", () => new ReadableStream(), /stream/],
  ["a WritableStream", () => new WritableStream(), /stream/],
  ["a TransformStream", () => new TransformStream(), /stream/],
  ["a SharedArrayBuffer", () => new SharedArrayBuffer(1), /shared memory/],
  // instances of classes
  ["an instance", () => new Point(1), /class Point.*registerType/],
  ["an instance of a nameless class", () => new (class {})(), /class without a name/],
  ["an object with another prototype", () => Object.create({ a: 1 }), /class/],
  ["a generator", () => (function* () {})(), /class/],
  ["an iterator", () => [1].values(), /class/],
  ["a Blob", () => new Blob([]), /class Blob/],
  ["URLSearchParams", () => new URLSearchParams("a=b"), /class URLSearchParams/],
  ["a DOMException", () => new DOMException("no", "AbortError"), /class DOMException/],
  ["a number format", () => new Intl.NumberFormat("en"), /class NumberFormat/],
  ["an array of another realm", () => runInNewContext("[1]"), /class Array/],
  ["an object of another realm", () => runInNewContext("({})"), /class Object/],
  // subclasses of built-ins
  ["a subclass of Array", () => new (class Stack extends Array {})(), /class Stack/],
  ["a subclass of Map", () => new (class Index extends Map {})(), /class Index/],
  ["a subclass of Set", () => new (class Bag extends Set {})(), /class Bag/],
  ["a subclass of Date", () => new (class Day extends Date {})(0), /class Day/],
  ["a subclass of RegExp", () => new (class Re extends RegExp {})("a"), /class Re/],
  ["a subclass of URL", () => new (class Link extends URL {})("a:b"), /class Link/],
  ["a subclass of Error", () => new (class Oops extends Error {})("a"), /class Oops/],
  ["a subclass of TypeError", () => new (class Oops extends TypeError {})("a"), /class Oops/],
  ["a subclass of Uint8Array", () => new (class Raw extends Uint8Array {})(1), /class Raw/],
  ["a subclass of Float64Array", () => new (class Vec extends Float64Array {})(1), /class Vec/],
  ["a subclass of ArrayBuffer", () => new (class Buf extends ArrayBuffer {})(1), /class Buf/],
  [
    "a subclass of DataView",
    () => new (class View extends DataView<ArrayBuffer> {})(new ArrayBuffer(1)),
    /class View/,
  ],
  ["a subclass of Digest", () => new (class Name extends Digest {})("c0ffee"), /class Name/],
  // own properties, which would be lost
  ["a property of a Map", () => Object.assign(new Map(), { a: 1 }), /properties of its own/],
  ["a property of a Set", () => Object.assign(new Set(), { a: 1 }), /properties of its own/],
  ["a property of a Date", () => Object.assign(new Date(0), { a: 1 }), /properties of its own/],
  ["a property of an invalid Date", () => Object.assign(new Date(NaN), { a: 1 }), /properties/],
  ["a property of a RegExp", () => Object.assign(/a/, { a: 1 }), /properties of its own/],
  ["a property of a URL", () => Object.assign(new URL("a:b"), { a: 1 }), /properties of its own/],
  ["a property of an ArrayBuffer", () => Object.assign(new ArrayBuffer(1), { a: 1 }), /properties/],
  // built-ins that would not read back
  ["a RegExp with an odd lastIndex", () => Object.assign(/a/, { lastIndex: 0.5 }), /lastIndex/],
  ["a RegExp with lastIndex -1", () => Object.assign(/a/, { lastIndex: -1 }), /lastIndex/],
  [
    "a symbol key of an error",
    () => Object.assign(new Error("a"), { [Symbol("x")]: 1 }),
    /symbol keys/,
  ],
  [
    "an error whose message is no string",
    () => Object.assign(new Error(), { message: 1 }),
    /message/,
  ],
  ["an error whose name is no string", () => Object.assign(new Error(), { name: 1 }), /name/],
  ["an AggregateError whose errors are none", () => {
    return Object.assign(new AggregateError([]), { errors: 1 });
  }, /errors/],
  // digests
  ["a short Digest", () => D("c0ffee"), /short digest.*expand/],
  ["a method that gives a short Digest", () => ({ [METHOD]: () => D("c0ffee") }), /whole Digest/],
  ["a method that gives no digest", () => ({ [METHOD]: () => 1 }), /whole Digest/],
  ["a method that gives other text", () => ({ [METHOD]: () => "A".repeat(64) }), /whole Digest/],
  // memory that is gone
  ["a detached Uint8Array", () => detached(new Uint8Array(8)), /detached/],
  ["a detached Float64Array", () => detached(new Float64Array(8)), /detached/],
  ["a detached DataView", () => detached(new DataView(new ArrayBuffer(8))), /detached/],
  ["a detached ArrayBuffer", () => detached(new Uint8Array(8)).buffer, /detached/],
  // more than the format takes; the memory is never touched
  ["more than 4 GiB", () => new Uint8Array(2 ** 32), /4 GiB.*divide/],
  ["more than 4 GiB in another type", () => new ArrayBuffer(2 ** 32), /4 GiB/],
  // only the prototype of what it seems to be
  ["a pretended Map", () => Object.create(Map.prototype), /./],
  ["a pretended Set", () => Object.create(Set.prototype), /./],
  ["a pretended Date", () => Object.create(Date.prototype), /./],
  ["a pretended Uint8Array", () => Object.create(Uint8Array.prototype), /./],
  ["a pretended Float64Array", () => Object.create(Float64Array.prototype), /./],
  ["a pretended ArrayBuffer", () => Object.create(ArrayBuffer.prototype), /./],
  ["a pretended RegExp", () => Object.create(RegExp.prototype), /./],
  ["a pretended URL", () => Object.create(URL.prototype), /./],
  ["a Map behind a proxy", () => new Proxy(new Map(), {}), /./],
  ["an array without its prototype", () => withPrototype([1], null), /./],
  ["an array as if a plain object", () => withPrototype([1], Object.prototype), /./],
];

for (const [label, value, reason] of CULPRITS) {
  Deno.test(`encode() refuses ${label}`, () => {
    const path = label === "an own __proto__ key" ? ".__proto__" : "";
    assertIndigestible(value(), `value${path}`, reason);
    assertIndigestible({ list: [0, value()] }, `value.list[1]${path}`, reason);
    assertIndigestible(value(), `value${path}`, /./, { identities: false });
    assert.throws(() => digest(value()), IndigestibleError);
  });
}

Deno.test("encode() refuses durations whose text would not read back", () => {
  for (const fields of [{ milliseconds: 1500 }, { microseconds: 1000 }, { nanoseconds: 10 ** 9 }]) {
    const duration = Temporal.Duration.from(fields);
    assertIndigestible([duration], "value[0]", /Duration.*round\(\)/);
    assert(encoded(duration.round({ largestUnit: "seconds" })).length > 20);
  }
});

Deno.test("encode() refuses keys with lone surrogates", () => {
  assertIndigestible({ "\ud800": 1 }, 'value["\\ud800"]', /lone surrogates.*Map/);
  assertIndigestible([{ "a\udc00": 1 }], 'value[0]["a\\udc00"]', /lone surrogates/);
});

Deno.test("encode() takes the list that match() gives with the flag g", () => {
  assert.deepEqual(encoded("aa".match(/a/g)), encoded(["a", "a"]));
});

class Own {
  [METHOD](): Digest {
    return digest("own");
  }
}

Deno.test("encode() refuses identities in results", () => {
  const results = { identities: false };
  const wrapped = fleche((x: number) => x, { name: "refused", version: 1 });
  const vouched = pure((x: number) => x);
  const plain = { [METHOD]: () => digest("plain") };
  assertIndigestible({ f: wrapped }, "value.f", /cannot be stored as a result/, results);
  assertIndigestible([vouched], "value[0]", /cannot be stored as a result/, results);
  assertIndigestible(new Map([[1, new Own()]]), "value<value 0>", /digest alone/, results);
  assertIndigestible(new Set([plain]), "value<element 0>", /digest alone/, results);
  for (const value of [wrapped, vouched, new Own(), plain]) assert(encoded(value).length > 64);
});

Deno.test("encode() takes digests and identities that were read back, in results", () => {
  const values = [digest(1), new Identity("custom", digest(1).hex)];
  for (const value of values) {
    assert.deepEqual(encoded([value], { identities: false }), encoded([value]));
  }
});

Deno.test("encode() reads what a built-in object holds, not what its properties say", () => {
  const bytes = Object.defineProperty(new Uint8Array([1, 2, 3]), "byteLength", { value: 1 });
  assert.deepEqual(encoded(bytes), encoded(new Uint8Array([1, 2, 3])));
  const floats = Object.defineProperty(new Float64Array(2), "byteOffset", { value: 8 });
  assert.deepEqual(encoded(floats), encoded(new Float64Array(2)));
  const date = Object.defineProperty(new Date(5), "getTime", { value: () => 7 });
  assert.deepEqual(encoded(date), encoded(new Date(5)));
});

Deno.test("encode() refuses a view that its buffer has become too short for", () => {
  const buffer = new ArrayBuffer(8, { maxByteLength: 16 });
  const view = new DataView(buffer, 4, 4);
  buffer.resize(2);
  assertIndigestible({ view }, "value.view", /out of bounds/);
});

Deno.test("encode() refuses proxies that cannot be read, or lie about their length", () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  assertIndigestible([proxy], "value[0]", /a proxy that cannot be read/);
  for (const length of [1.5, -1, NaN, 2 ** 32, "2"]) {
    const lying = new Proxy([1, 2, 3], {
      get: (target, key) => key === "length" ? length : Reflect.get(target, key),
    });
    assertIndigestible({ lying }, "value.lying", /only looks like/);
  }
});

Deno.test({
  name: "encode() refuses Temporal values that hold more than their text says",
  ignore: !Reflect.has(globalThis, "Temporal"),
  fn: () => {
    const day = new Temporal.PlainYearMonth(2024, 1, "iso8601", 15);
    assertIndigestible({ day }, "value.day", /would not read back/);
    const year = new Temporal.PlainMonthDay(1, 1, "iso8601", 2020);
    assertIndigestible([year], "value[0]", /would not read back/);
    assert(encoded(new Temporal.PlainYearMonth(2024, 1)).length > 0);
  },
});
