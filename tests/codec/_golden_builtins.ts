/**
 * Golden rows of Date, RegExp, URL and errors.
 *
 * @module
 */

import type { GoldenRow } from "./_golden_row.ts";

/** Golden rows of Date, RegExp, URL and errors. */
export const BUILTINS: readonly GoldenRow[] = [
  // Date: timestamp 32, 64, 96
  ["Date, the epoch", () => new Date(0), "d6ff 00000000"],
  ["Date, 1 s", () => new Date(1000), "d6ff 00000001"],
  ["Date, the last second of timestamp 32", () => new Date(4294967295000), "d6ff ffffffff"],
  [
    "Date, the first second of timestamp 64",
    () => new Date(4294967296000),
    "d7ff 0000000100000000",
  ],
  ["Date, 1 ms", () => new Date(1), "d7ff 003d090000000000"],
  ["Date, 999 ms", () => new Date(999), "d7ff ee2e1f0000000000"],
  [
    "Date, timestamp 64 for its milliseconds",
    () => new Date(4294967295999),
    "d7ff ee2e1f00ffffffff",
  ],
  [
    "Date, 1 s after the first of timestamp 64",
    () => new Date(4294967297001),
    "d7ff 003d090100000001",
  ],
  [
    "Date, 2021-03-04T05:06:07.089Z",
    () => new Date(Date.UTC(2021, 2, 4, 5, 6, 7, 89)),
    "d7ff 1538210060406abf",
  ],
  ["Date, the last of timestamp 64", () => new Date(17179869183999), "d7ff ee2e1f03ffffffff"],
  [
    "Date, the first of timestamp 96",
    () => new Date(17179869184000),
    "c70cff 000000000000000400000000",
  ],
  [
    "Date, timestamp 96 with milliseconds",
    () => new Date(17179869184001),
    "c70cff 000f42400000000400000000",
  ],
  ["Date, 1 ms before 1970", () => new Date(-1), "c70cff 3b8b87c0ffffffffffffffff"],
  ["Date, 1 s before 1970", () => new Date(-1000), "c70cff 00000000ffffffffffffffff"],
  ["Date, 1.001 s before 1970", () => new Date(-1001), "c70cff 3b8b87c0fffffffffffffffe"],
  [
    "Date, 2 ** 32 s before 1970",
    () => new Date(-4294967296000),
    "c70cff 00000000ffffffff00000000",
  ],
  ["Date, 1900", () => new Date(Date.UTC(1900, 0, 1)), "c70cff 00000000ffffffff7c558180"],
  ["Date, the latest", () => new Date(8.64e15), "c70cff 00000000000007dba8218000"],
  ["Date, the earliest", () => new Date(-8.64e15), "c70cff 00000000fffff82457de8000"],
  ["Date, 1 ms before the latest", () => new Date(8.64e15 - 1), "c70cff 3b8b87c0000007dba8217fff"],
  ["Date, invalid", () => new Date(NaN), "c70609 91 a4 44617465"],
  // RegExp
  ["RegExp /a/", () => /a/, "c70c09 94 a6 526567457870 a1 61 a0 00"],
  ["RegExp /a+b/giu", () => /a+b/giu, "c71109 94 a6 526567457870 a3 612b62 a3 676975 00"],
  [
    "RegExp /[[a]--b]/v",
    () => /[[a]--b]/v,
    "c71409 94 a6 526567457870 a8 5b5b615d2d2d625d a1 76 00",
  ],
  ["RegExp /\\//", () => /\//, "c70d09 94 a6 526567457870 a2 5c2f a0 00"],
  [
    "RegExp /\\n\\u00e9/s",
    () => /\n\u00e9/s,
    "c71409 94 a6 526567457870 a8 5c6e5c7530306539 a1 73 00",
  ],
  ["RegExp, empty", () => new RegExp(""), "c70f09 94 a6 526567457870 a4 283f3a29 a0 00"],
  ["RegExp, with a slash", () => new RegExp("/"), "c70d09 94 a6 526567457870 a2 5c2f a0 00"],
  [
    "RegExp, all flags",
    () => new RegExp("a", "dgimsuy"),
    "c71309 94 a6 526567457870 a1 61 a7 6467696d737579 00",
  ],
  [
    "RegExp, lastIndex",
    () => Object.assign(/a/g, { lastIndex: 3 }),
    "c70d09 94 a6 526567457870 a1 61 a1 67 03",
  ],
  [
    "RegExp, lastIndex without g",
    () => Object.assign(/a/, { lastIndex: 300 }),
    "c70e09 94 a6 526567457870 a1 61 a0 cd 012c",
  ],
  // URL
  [
    "URL",
    () => new URL("https://example.org/a?b=c#d"),
    "c72109 92 a3 55524c bb 68747470733a2f2f6578616d706c652e6f72672f613f623d632364",
  ],
  [
    "URL, normalised",
    () => new URL("HTTPS://EXAMPLE.org:443/a b/../\u00e9"),
    "c72009 92 a3 55524c ba 68747470733a2f2f6578616d706c652e6f72672f254333254139",
  ],
  [
    "URL, a file",
    () => new URL("file:///data/x"),
    "c71409 92 a3 55524c ae 66696c653a2f2f2f646174612f78",
  ],
  ["URL, opaque", () => new URL("mailto:a@b.c"), "c71209 92 a3 55524c ac 6d61696c746f3a6140622e63"],
  // errors: class, message, own name, own data, cause, errors
  ["Error, plain", () => new Error("no"), "c70f09 97 a5 4572726f72 a2 6e6f c0 80 c2 c0 c0"],
  ["Error, without a message", () => new Error(), "c70d09 97 a5 4572726f72 a0 c0 80 c2 c0 c0"],
  [
    "Error, EvalError",
    () => new EvalError("no"),
    "c71309 97 a9 4576616c4572726f72 a2 6e6f c0 80 c2 c0 c0",
  ],
  [
    "Error, RangeError",
    () => new RangeError("no"),
    "c71409 97 aa 52616e67654572726f72 a2 6e6f c0 80 c2 c0 c0",
  ],
  [
    "Error, ReferenceError",
    () => new ReferenceError("no"),
    "c71809 97 ae 5265666572656e63654572726f72 a2 6e6f c0 80 c2 c0 c0",
  ],
  [
    "Error, SyntaxError",
    () => new SyntaxError("no"),
    "c71509 97 ab 53796e7461784572726f72 a2 6e6f c0 80 c2 c0 c0",
  ],
  [
    "Error, TypeError",
    () => new TypeError("no"),
    "c71309 97 a9 547970654572726f72 a2 6e6f c0 80 c2 c0 c0",
  ],
  [
    "Error, URIError",
    () => new URIError("no"),
    "c71209 97 a8 5552494572726f72 a2 6e6f c0 80 c2 c0 c0",
  ],
  [
    "Error, AggregateError",
    () => new AggregateError([new Error("a"), 1], "both"),
    "c72c09 97 ae 4167677265676174654572726f72 a4 626f7468 c0 80 c2 c0 92 c70e09 97 a5" +
    "4572726f72 a1 61 c0 80 c2 c0 c0 01",
  ],
  [
    "Error, AggregateError of none",
    () => new AggregateError([]),
    "c71609 97 ae 4167677265676174654572726f72 a0 c0 80 c2 c0 90",
  ],
  [
    "Error, own name",
    () => Object.assign(new Error("no"), { name: "Refusal" }),
    "c71609 97 a5 4572726f72 a2 6e6f a7 5265667573616c 80 c2 c0 c0",
  ],
  [
    "Error, own name, empty",
    () => Object.assign(new Error("no"), { name: "" }),
    "c70f09 97 a5 4572726f72 a2 6e6f a0 80 c2 c0 c0",
  ],
  [
    "Error, own name that is the class",
    () => Object.assign(new TypeError("no"), { name: "TypeError" }),
    "c71c09 97 a9 547970654572726f72 a2 6e6f a9 547970654572726f72 80 c2 c0 c0",
  ],
  [
    "Error, data",
    () => Object.assign(new RangeError("no"), { limit: 3, at: [1], code: "X" }),
    "c72709 97 aa 52616e67654572726f72 a2 6e6f c0 83 a2 6174 91 01 a4 636f6465 a1 58 a5" +
    "6c696d6974 03 c2 c0 c0",
  ],
  [
    "Error, data undefined",
    () => Object.assign(new Error("no"), { a: undefined }),
    "c71409 97 a5 4572726f72 a2 6e6f c0 81 a1 61 c70002 c2 c0 c0",
  ],
  [
    "Error, data under a key of Object.prototype",
    () => Object.assign(new Error("no"), { toString: 1, constructor: 2 }),
    "c72609 97 a5 4572726f72 a2 6e6f c0 82 ab 636f6e7374727563746f72 02 a8" +
    "746f537472696e67 01 c2 c0 c0",
  ],
  [
    "Error, cause",
    () => new Error("no", { cause: new TypeError("why") }),
    "c72509 97 a5 4572726f72 a2 6e6f c0 80 c3 c71409 97 a9 547970654572726f72 a3 776879" +
    "c0 80 c2 c0 c0 c0",
  ],
  [
    "Error, cause null",
    () => new Error("no", { cause: null }),
    "c70f09 97 a5 4572726f72 a2 6e6f c0 80 c3 c0 c0",
  ],
  [
    "Error, cause undefined",
    () => new Error("no", { cause: undefined }),
    "c71109 97 a5 4572726f72 a2 6e6f c0 80 c3 c70002 c0",
  ],
  [
    "Error, cause false",
    () => new Error("no", { cause: false }),
    "c70f09 97 a5 4572726f72 a2 6e6f c0 80 c3 c2 c0",
  ],
  [
    "Error, all at once",
    () => Object.assign(new AggregateError([0], "no", { cause: 1 }), { name: "N", x: 2 }),
    "c71d09 97 ae 4167677265676174654572726f72 a2 6e6f a1 4e 81 a1 78 02 c3 01 91 00",
  ],
  [
    "Error, data named errors",
    () => Object.assign(new Error("no"), { errors: [1] }),
    "c71809 97 a5 4572726f72 a2 6e6f c0 81 a6 6572726f7273 91 01 c2 c0 c0",
  ],
  [
    "Error, message with a lone surrogate",
    () => new Error("\ud800"),
    "d809 97 a5 4572726f72 d507 00d8 c0 80 c2 c0 c0",
  ],
];
