/**
 * Malformed built-ins, registered types, identities and references.
 *
 * @module
 */

import { ascii, bytesOf, hexOf } from "./_bytes.ts";
import type { Malformed } from "./_malformed.ts";

/** A short string. */
const text = (value: string): string => {
  const bytes = new TextEncoder().encode(value);
  const head = bytes.length < 32 ? [0xa0 + bytes.length] : [0xd9, bytes.length];
  return hexOf(Uint8Array.of(...head, ...bytes));
};

/** An extension of up to 255 bytes that holds an array of up to 15 fields. */
export function fields(code: number, ...each: readonly string[]): string {
  const payload = bytesOf(`9${each.length.toString(16)} ${each.join(" ")}`);
  const { length } = payload;
  const head = [1, 2, 4, 8, 16].includes(length)
    ? [0xd4 + Math.log2(length), code]
    : [0xc7, length, code];
  return hexOf(Uint8Array.of(...head, ...payload));
}

const row = (label: string, ...each: readonly string[]): Malformed => [label, fields(9, ...each)];
const error = (...each: readonly string[]) => fields(9, text("Error"), ...each);

/** Built-ins. */
export const BUILTINS: readonly Malformed[] = [
  ["a built-in without a name", "d4 09 90"],
  row("a name that is no string", "01", "c0"),
  row("a name that is bytes", "c40161", "c0"),
  row("a Date with more", text("Date"), "00"),
  row("a RegExp without an index", text("RegExp"), text("a"), "a0"),
  row("a RegExp with more", text("RegExp"), text("a"), "a0", "00", "c0"),
  row("a RegExp whose source is no string", text("RegExp"), "01", "a0", "00"),
  row("a RegExp whose flags are no string", text("RegExp"), text("a"), "c0", "00"),
  row("a RegExp whose index is negative", text("RegExp"), text("a"), "a0", "ff"),
  row("a RegExp whose index is a fraction", text("RegExp"), text("a"), "a0", "cb3fe0000000000000"),
  row("a RegExp whose index is a string", text("RegExp"), text("a"), "a0", "a130"),
  row("a RegExp whose flags are out of order", text("RegExp"), text("a"), text("ig"), "00"),
  row("a RegExp without a source", text("RegExp"), "a0", "a0", "00"),
  row("a RegExp with a bare slash", text("RegExp"), text("/"), "a0", "00"),
  row("a RegExp with a line break", text("RegExp"), "a10a", "a0", "00"),
  row("a URL without text", text("URL")),
  row("a URL with more", text("URL"), text("a:b"), "c0"),
  row("a URL that is no string", text("URL"), "c0"),
  row("a URL that is none", text("URL"), text("no url")),
  row("a URL in capitals", text("URL"), text("HTTP://a/")),
  row("a URL without its slash", text("URL"), text("http://a")),
  row("a URL with a default port", text("URL"), text("http://a:80/")),
  ["an error with six fields", error(text("m"), "c0", "80", "c2", "c0")],
  ["an error with eight fields", error(text("m"), "c0", "80", "c2", "c0", "c0", "c0")],
  ["an error whose message is no string", error("c0", "c0", "80", "c2", "c0", "c0")],
  ["an error whose name is a number", error(text("m"), "01", "80", "c2", "c0", "c0")],
  ["an error whose name is undefined", error(text("m"), "c70002", "80", "c2", "c0", "c0")],
  ["an error whose data is nil", error(text("m"), "c0", "c0", "c2", "c0", "c0")],
  ["an error whose data is an array", error(text("m"), "c0", "90", "c2", "c0", "c0")],
  ["an error whose data is a Map", error(text("m"), "c0", "d40590", "c2", "c0", "c0")],
  ["an error whose data is a Date", error(text("m"), "c0", "d6ff00000000", "c2", "c0", "c0")],
  ["an error with a cause of nil for no", error(text("m"), "c0", "80", "c0", "c0", "c0")],
  ["an error with a cause of 1 for yes", error(text("m"), "c0", "80", "01", "01", "c0")],
  ["an error without a cause that has one", error(text("m"), "c0", "80", "c2", "01", "c0")],
  [
    "an error without a cause that is undefined",
    error(text("m"), "c0", "80", "c2", "c70002", "c0"),
  ],
  ["an error with errors", error(text("m"), "c0", "80", "c2", "c0", "90")],
  ["an error with errors that are undefined", error(text("m"), "c0", "80", "c2", "c0", "c70002")],
  row(
    "an AggregateError without errors",
    text("AggregateError"),
    "a0",
    "c0",
    "80",
    "c2",
    "c0",
    "c0",
  ),
  row(
    "an AggregateError with a Set",
    text("AggregateError"),
    "a0",
    "c0",
    "80",
    "c2",
    "c0",
    "d40690",
  ),
  ...["name", "message", "stack", "cause"].map((key): Malformed => [
    `an error whose data has the key ${key}`,
    error(text("m"), "c0", `81 ${text(key)} c0`, "c2", "c0", "c0"),
  ]),
  row(
    "an AggregateError whose data has the key errors",
    ...[text("AggregateError"), "a0", "c0", `81 ${text("errors")} c0`, "c2", "c0", "90"],
  ),
];

/** Temporal, where the runtime has it. */
export const TEMPORAL: readonly Malformed[] = [
  row("without text", text("Temporal.Instant")),
  row("with more", text("Temporal.Instant"), text("2021-03-04T05:06:07Z"), "c0"),
  row("that is no string", text("Temporal.Instant"), "00"),
  row("an instant that is none", text("Temporal.Instant"), text("2021-02-30T00:00:00Z")),
  row("an instant with a zero too many", text("Temporal.Instant"), text("2021-03-04T05:06:07.0Z")),
  row("an instant with an offset", text("Temporal.Instant"), text("2021-03-04T05:06:07+00:00")),
  row("a date with the year's sign", text("Temporal.PlainDate"), text("+002021-03-04")),
  row("a date with a time", text("Temporal.PlainDate"), text("2021-03-04T00:00:00")),
  row("a date that is no string", text("Temporal.PlainDate"), "81 a479656172 01"),
  row("a time without seconds", text("Temporal.PlainTime"), text("05:06")),
  row("a month that is a date", text("Temporal.PlainYearMonth"), text("2021-03-04")),
  row("a duration of 0 years", text("Temporal.Duration"), text("P0Y")),
  row("a duration that is none", text("Temporal.Duration"), text("P")),
];

const HEX = ascii("0123456789abcdef".repeat(4));

/** Registered types and identities. */
export const TYPES: readonly Malformed[] = [
  ["a registered type without fields", "d4 08 90"],
  ["a registered type with a name only", fields(8, text("B"))],
  ["a registered type with three fields", fields(8, text("B"), "c0", "c0")],
  ["a registered type in a long array", "c7 07 08 dc0002 a142 c0 c0"],
  ["a registered type whose name is nil", fields(8, "c0", "c0")],
  ["a registered type whose name is bytes", fields(8, "c40142", "c0")],
  ["a registered type with an empty name", fields(8, "a0", "c0")],
  ["a registered type with a lone surrogate", fields(8, "d50700d8", "c0")],
  ["a registered type with a long name", `c8 0104 08 92 da0100 ${"6e".repeat(256)} c0`],
  ["a registered type whose name is no UTF-8", fields(8, "a1ff", "c0")],
  ["a registered type that goes on", `${fields(8, text("B"), "c0")} c0`],
  ["a registered type with bytes after it", "c7 05 08 92 a142 c0 c0"],
  ["a registered type with a bad payload", fields(8, text("B"), "cc00")],
  ["an identity without fields", "d4 0c 90"],
  ["an identity of unknown kind", fields(12, text("closure"), `d940 ${HEX}`)],
  ["an identity of kind nil", fields(12, "c0", `d940 ${HEX}`)],
  ["an identity without a digest", fields(12, text("pure"))],
  ["an identity with more", fields(12, text("pure"), `d940 ${HEX}`, "c0")],
  ["an identity whose digest is bytes", fields(12, text("pure"), `c420 ${HEX.slice(64)}`)],
  ["an identity whose digest is short", fields(12, text("digest"), `d93f ${HEX.slice(2)}`)],
  ["an identity whose digest is long", fields(12, text("digest"), `d941 ${HEX}30`)],
  [
    "an identity whose digest is in capitals",
    fields(12, text("digest"), `d940 ${ascii("0123456789ABCDEF".repeat(4))}`),
  ],
  ["an identity whose digest is no hex", fields(12, text("digest"), `d940 ${HEX.slice(2)}67`)],
];
