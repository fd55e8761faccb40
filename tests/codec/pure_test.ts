import assert from "node:assert";
import { digest, fleche, Identity, IndigestibleError, pure } from "@fleche/core";
import { decoded, encoded, hexOf } from "./_bytes.ts";

type Fn = (...args: unknown[]) => unknown;

/** A function of exactly this source text, whatever the compiler makes of this file. */
function fn(source: string): Fn {
  return new Function(`return (${source});`)();
}

const idOf = (source: string, deps?: readonly unknown[]) => digest(pure(fn(source), deps)).hex;

Deno.test("pure() gives back the function itself", () => {
  const square = (x: number) => x * x;
  assert.equal(pure(square), square);
  assert.equal(pure(square)(3), 9);
});

Deno.test("pure() makes a function an argument, known by its source", () => {
  assert.throws(() => digest(fn("(x) => x + 1")), IndigestibleError);
  assert.equal(idOf("(x) => x + 1"), idOf("(x) => x + 1"));
  assert.notEqual(idOf("(x) => x + 1"), idOf("(x) => x + 2"));
  assert.notEqual(idOf("(x) => x + 1"), idOf("(y) => y + 1"));
});

Deno.test("pure() does not see comments and white space", () => {
  const same = [
    "(x)=>x+1",
    "( x ) => x + 1",
    "(x) => // the next one\n x + 1",
    "(x) => /* the\nnext\none */ x + 1",
    "(x) =>\n\n\t x\r\n+ 1",
    "(x) =>\u00a0x\u2028+ 1",
    "/* before */ (x) => x + 1 // after\n",
  ];
  for (const source of same) assert.equal(idOf(source), idOf("(x) => x + 1"), source);
  const bodies = ["function f(a, b) { return a + b; }", "function f(a,b){return a+b;}"];
  assert.equal(idOf(bodies[0] as string), idOf(bodies[1] as string));
});

/** Sources that nearly agree. No two of them do the same. */
const UNLIKE: readonly (readonly [string, string])[] = [
  ["() => 'a b'", "() => 'a  b'"],
  ["() => `a b`", "() => `a  b`"],
  ["() => `a\n`", "() => `a\n\n`"],
  ["() => `${1}//x`", "() => `${1}`"],
  ["() => '/* x */'", "() => ''"],
  ["() => / /", "() => /  /"],
  ["() => 'a//b'", "() => 'a'"],
  ["(a, b) => a + +b", "(a, b) => a++ + b"],
  ["(a, b) => a - -b", "(a, b) => a-- - b"],
  ["() => { return 1; }", "() => { return\n 1; }"],
  ["(a, b) => { a\n++\nb; return [a, b]; }", "(a, b) => { a++\nb; return [a, b]; }"],
  ["() => { for (;;) { break\nx; } }", "() => { x: for (;;) { break x; } }"],
  ["(x) => x.a", "(x) => x?.a"],
  ["(x) => x", "async (x) => x"],
  ["(x) => x", "function (x) { return x; }"],
  ["(x) => { return x; }", "(x) => { x; }"],
  ["() => '1'", "() => 1"],
  ["() => 1", "() => 1n"],
  [
    "() => { const async = 1; async\nfunction f() {} return f(); }",
    "() => { const async = 1; async function f() {} return f(); }",
  ],
  [
    "(x) => { var using; { using\nx = null; } return x; }",
    "(x) => { var using; { using x = null; } return x; }",
  ],
];

Deno.test("pure() sees everything else", async (t) => {
  for (const [a, b] of UNLIKE) {
    await t.step(`${a} | ${b}`.replaceAll("\n", "\\n"), () => {
      assert.notEqual(idOf(a), idOf(b));
    });
  }
});

Deno.test("pure() sees the deps", () => {
  const ids = [[], [1], ["1"], [1, 1], [[1]], [undefined], [null], [{ a: 1 }], [{ a: 2 }]]
    .map((deps) => idOf("(x) => x", deps));
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(idOf("(x) => x"), idOf("(x) => x", []));
  assert.equal(idOf("(x) => x", [{ a: 1, b: 2 }]), idOf("(x) => x", [{ b: 2, a: 1 }]));
});

Deno.test("pure() takes functions that were vouched for as deps", () => {
  const inner = (n: number) => pure((x: number) => x + n, [n]);
  const outer = (n: number) => {
    const add = inner(n);
    return pure((x: number) => add(x) * 2, [add]);
  };
  assert.equal(digest(outer(1)).hex, digest(outer(1)).hex);
  assert.notEqual(digest(outer(1)).hex, digest(outer(2)).hex);
});

Deno.test("pure() refuses deps that have no encoding, and says where they are", () => {
  assert.throws(() => pure((x: unknown) => x, [1, { f: () => 1 }]), (error) => {
    assert(error instanceof IndigestibleError);
    assert.match(error.data.path, /\[1\]\.f$/);
    return true;
  });
});

Deno.test("pure() fixes the deps when it is called", () => {
  const deps = [1];
  const vouched = pure((x: number) => x, deps);
  const before = digest(vouched).hex;
  deps.push(2);
  assert.equal(digest(vouched).hex, before);
});

Deno.test("pure() refuses functions whose source does not tell what they do", () => {
  class Point {
    x = 1;
  }
  const refused: readonly (readonly [string, unknown])[] = [
    ["native", Math.max],
    ["bound", fn("(x) => x").bind(null)],
    ["a class", Point],
    ["this", fn("function () { return this.x; }")],
    ["this in an arrow function inside", fn("function () { return () => this.x; }")],
    ["this in a default", fn("function (x = this) { return x; }")],
  ];
  for (const [label, each] of refused) {
    assert.throws(() => Reflect.apply(pure, undefined, [each]), (error) => {
      assert(error instanceof TypeError, `${label}: ${error}`);
      assert.match(error.message, /^Cannot vouch for /);
      return true;
    }, label);
    assert.throws(() => digest(each), IndigestibleError, label);
  }
});

Deno.test("pure() takes functions of every form", () => {
  const holder = {
    method(x: number) {
      return x;
    },
    async later(x: number) {
      return await x;
    },
    ["computed"]: (x: number) => x,
    get getter() {
      return (x: number) => x + 1;
    },
  };
  const own = function () {
    return (function (this: unknown) {
      return this;
    })();
  };
  const forms = [holder.method, holder.later, holder.computed, holder.getter, own];
  assert.equal(new Set(forms.map((each) => digest(pure(each)).hex)).size, forms.length);
});

Deno.test("pure() a second time must agree with the first", () => {
  const vouched = pure((x: number) => x, [1]);
  assert.equal(pure(vouched, [1]), vouched);
  assert.throws(() => pure(vouched, [2]), TypeError);
  assert.throws(() => pure(vouched), TypeError);
  assert.equal(digest(vouched).hex, digest(pure(vouched, [1])).hex);
});

Deno.test("pure() refuses a cached function, which has an identity already", () => {
  const cached = fleche((x: number) => x, { name: "cachedAlready", version: 1 });
  const before = digest(cached).hex;
  assert.throws(() => pure(cached), TypeError);
  assert.equal(digest(cached).hex, before);
});

Deno.test("pure() reads back as an identity without the function", () => {
  const back = decoded(encoded([pure((x: number) => x)]));
  assert(Array.isArray(back));
  const [identity] = back;
  assert(identity instanceof Identity);
  assert.equal(identity.kind, "pure");
  assert.equal(hexOf(encoded(back)), hexOf(encoded([pure((x: number) => x)])));
});

Deno.test("Identity takes 64 lower-case hexadecimal digits", () => {
  for (
    const wrong of ["", "abcd", "A".repeat(64), "g".repeat(64), "a".repeat(63), "a".repeat(65)]
  ) {
    assert.throws(() => new Identity("pure", wrong), TypeError);
  }
  assert.equal(new Identity("custom", "a".repeat(64)).digest, "a".repeat(64));
});
