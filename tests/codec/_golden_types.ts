/**
 * Golden rows of identities and registered types.
 *
 * @module
 */

import { Digest, fleche, Identity, pure, registerType } from "@fleche/core";
import type { GoldenRow } from "./_golden_row.ts";

const HEX = "0123456789abcdef".repeat(4);

class Custom {
  [Symbol.for("fleche.digest")](): Digest {
    return new Digest(HEX);
  }
}

const scaled = (factor: number) => pure((x: number) => x * factor, [factor]);

const twice = fleche(
  function twice(x: number) {
    return 2 * x;
  },
  { module: "golden/twice.ts", version: 1 },
);

const twiceWithDeps = fleche(
  function twice(x: number) {
    return 2 * x;
  },
  { module: "golden/twice.ts", version: 2, deps: [1] },
);

class Typed {
  constructor(readonly payload: unknown) {}
}

class Vector extends Typed {}
class Box extends Typed {}
class Euro extends Typed {}
class Named extends Typed {}

// Each builds a value of whatever payload it is given, so that what decodes encodes to the same
// bytes, whatever the bytes were.
const TYPES_BY_NAME: readonly (readonly [string, typeof Typed])[] = [
  ["golden/Vector", Vector],
  ["B", Box],
  ["golden/€", Euro],
  ["n".repeat(255), Named],
];

for (const [name, type] of TYPES_BY_NAME) {
  registerType<Typed>({
    name,
    match: (value) => value instanceof type,
    encode: ({ payload }) => payload,
    decode: (payload) => new type(payload),
  });
}

/** Golden rows of identities and registered types. */
export const TYPES: readonly GoldenRow[] = [
  // identities: kind and digest
  [
    "Digest",
    () => new Digest(HEX),
    "c74a0c 92 a6 646967657374 d940" +
    "30313233343536373839616263646566303132333435363738396162636465663031323334353637" +
    "383961626364656630313233343536373839616263646566",
  ],
  [
    "Digest in an array",
    () => [new Digest(HEX)],
    "91 c74a0c 92 a6 646967657374 d940" +
    "30313233343536373839616263646566303132333435363738396162636465663031323334353637" +
    "383961626364656630313233343536373839616263646566",
  ],
  [
    "custom: an instance with a digest method",
    () => new Custom(),
    "c74a0c 92 a6 637573746f6d d940" +
    "30313233343536373839616263646566303132333435363738396162636465663031323334353637" +
    "383961626364656630313233343536373839616263646566",
    () => new Identity("custom", HEX),
  ],
  [
    "custom: a plain object with a digest method",
    () => ({ [Symbol.for("fleche.digest")]: () => HEX, x: 1 }),
    "c74a0c 92 a6 637573746f6d d940" +
    "30313233343536373839616263646566303132333435363738396162636465663031323334353637" +
    "383961626364656630313233343536373839616263646566",
    () => new Identity("custom", HEX),
  ],
  [
    "pure function",
    () => scaled(2),
    "c7480c 92 a4 70757265 d940" +
    "38663635313530663738366134646334326366366430626537333837616332376636383932393936" +
    "383432346163363138643438353363366162353362656666",
    () => new Identity("pure", "8f65150f786a4dc42cf6d0be7387ac27f68929968424ac618d4853c6ab53beff"),
  ],
  [
    "cached function",
    () => twice,
    "c74c0c 92 a8 66756e6374696f6e d940" +
    "33643930656366663465633336353239623337303537643662636637393632626464333935353565" +
    "333934663133356239666130313061386466656236613565",
    () =>
      new Identity("function", "3d90ecff4ec36529b37057d6bcf7962bdd39555e394f135b9fa010a8dfeb6a5e"),
  ],
  [
    "cached function with deps",
    () => twiceWithDeps,
    "c74c0c 92 a8 66756e6374696f6e d940" +
    "31373462333634663737396230353163633231343036656664363761346461383965616537616535" +
    "353636663334626233643034616565616465363631666236",
    () =>
      new Identity("function", "174b364f779b051cc21406efd67a4da89eae7ae5566f34bb3d04aeeade661fb6"),
  ],
  [
    "identity read back",
    () => new Identity("pure", HEX),
    "c7480c 92 a4 70757265 d940" +
    "30313233343536373839616263646566303132333435363738396162636465663031323334353637" +
    "383961626364656630313233343536373839616263646566",
  ],
  // registered types: name and payload
  [
    "registered",
    () => new Vector([1, -0.5]),
    "c71a08 92 ad 676f6c64656e2f566563746f72 92 01 cb bfe0000000000000",
  ],
  [
    "registered, twice in an array",
    () => [new Vector([1, 2]), new Vector([1, 2])],
    "92 c71208 92 ad 676f6c64656e2f566563746f72 92 01 02 c71208 92 ad" +
    "676f6c64656e2f566563746f72 92 01 02",
  ],
  [
    "registered, nested",
    () => new Box(new Box(new Vector([0, 0]))),
    "c71e08 92 a1 42 c71808 92 a1 42 c71208 92 ad 676f6c64656e2f566563746f72 92 00 00",
  ],
  ["registered, undefined inside", () => new Box(undefined), "c70608 92 a1 42 c70002"],
  [
    "registered, of 300 bytes",
    () => new Box("a".repeat(300)),
    "c8013208 92 a1 42 da012c" + "61".repeat(300),
  ],
  [
    "registered, a name of 255 characters",
    () => new Named(null),
    "c8010308 92 d9ff" + "6e".repeat(255) + "c0",
  ],
  [
    "registered, a name beyond ASCII",
    () => new Euro({ t: 1 }),
    "d808 92 aa 676f6c64656e2fe282ac 81 a1 74 01",
  ],
  [
    "registered, as a Map key",
    () => new Map([[new Vector([1, 2]), 3]]),
    "c71705 92 c71208 92 ad 676f6c64656e2f566563746f72 92 01 02 03",
  ],
  // everything inside everything
  [
    "mixed",
    () =>
      new Map<unknown, unknown>([["when", new Date(0)], [new Set([1n]), {
        error: new Error("no", { cause: /a/ }),
        at: [Int16Array.of(1), undefined],
      }]]),
    "c74605 94 a4 7768656e d6ff 00000000 d606 91 d403 01 82 a2 6174 92 c70304 03 0100" +
    "c70002 a5 6572726f72 c71d09 97 a5 4572726f72 a2 6e6f c0 80 c3 c70c09 94 a6" +
    "526567457870 a1 61 a0 00 c0",
  ],
];
