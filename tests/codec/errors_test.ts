import assert from "node:assert";
import { digest } from "@fleche/core";
import { decoded, encoded } from "./_bytes.ts";

function readBack(error: Error): Error {
  const back = decoded(encoded(error));
  assert(back instanceof Error);
  return back;
}

Deno.test("decode() gives errors that are instances of their class", () => {
  const classes = [
    Error,
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
  ];
  for (const type of classes) {
    const back = readBack(new type("no"));
    assert(back instanceof type);
    assert.equal(back.name, type.name);
    assert.equal(String(back), `${type.name}: no`);
    assert.equal(Object.hasOwn(back, "name"), false);
    assert.equal(Object.hasOwn(back, "cause"), false);
  }
  const both = readBack(new AggregateError([new TypeError("a"), 1], "both"));
  assert(both instanceof AggregateError);
  assert(both.errors[0] instanceof TypeError);
});

Deno.test("decode() gives errors whose keys are their data alone", () => {
  const error = Object.assign(new AggregateError([1], "no", { cause: 1 }), { limit: 3 });
  Object.defineProperty(error, "name", { value: "Refusal", enumerable: false });
  const back = readBack(error);
  assert.deepEqual(Object.keys(back), ["limit"]);
  assert.equal(String(back), "Refusal: no");
  for (const key of ["message", "name", "cause", "errors", "limit"]) {
    const property = Object.getOwnPropertyDescriptor(back, key);
    assert.equal(property?.writable, true, key);
    assert.equal(property?.configurable, true, key);
  }
});

Deno.test("decode() gives errors a stack that does not lead into the decoder", () => {
  const back = readBack(new RangeError("too far"));
  assert.match(back.stack ?? "", /^RangeError: too far/);
  assert.doesNotMatch(back.stack ?? "", /src\/codec|file:/);
  const named = readBack(Object.assign(new Error("no"), { name: "Refusal" }));
  assert.match(named.stack ?? "", /^Refusal: no/);
});

Deno.test("digest() does not depend on where an error was made", () => {
  const here = new Error("no");
  const elsewhere = (() => new Error("no"))();
  assert.notEqual(here.stack, elsewhere.stack);
  assert.equal(digest(here).hex, digest(elsewhere).hex);
});

Deno.test("digest() tells errors apart by everything else", () => {
  const errors = [
    new Error("a"),
    new Error("b"),
    new TypeError("a"),
    new AggregateError([], "a"),
    new AggregateError([1], "a"),
    Object.assign(new Error("a"), { name: "Error" }),
    Object.assign(new Error("a"), { code: 1 }),
    Object.assign(new Error("a"), { code: 2 }),
    Object.assign(new Error("a"), { errors: [1] }),
    Object.assign(new Error("a"), { errors: [2] }),
    Object.assign(new TypeError("a"), { errors: [] }),
    new Error("a", { cause: undefined }),
    new Error("a", { cause: null }),
    new Error("a", { cause: new Error("a") }),
  ];
  const digests = errors.map((error) => digest(error).hex);
  for (const [index, each] of digests.entries()) {
    assert.equal(digests.indexOf(each), index, Deno.inspect(errors[index]));
  }
});
