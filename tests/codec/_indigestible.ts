import assert from "node:assert";
import { digest, IndigestibleError } from "@fleche/core";
import { encode } from "../../src/codec/encode.ts";
import type { EncodeOptions } from "../../src/codec/encoder.ts";

/** Checks that a value is refused, with the path to the culprit and a reason. */
export function assertIndigestible(
  value: unknown,
  path: string,
  reason: RegExp,
  options: EncodeOptions = {},
): void {
  assert.throws(() => encode(value, options), (error) => {
    assert(error instanceof IndigestibleError, `${error}`);
    assert.equal(error.data.path, path);
    assert.equal(error.code, "INDIGESTIBLE");
    assert.equal(error.name, "IndigestibleError");
    // A message shows the two ends of a path that is long.
    const shown = path.length <= 200 ? path : `${path.slice(0, 100)}…${path.slice(-50)}`;
    assert(error.message.startsWith(`Cannot digest ${shown}: it `), error.message);
    assert.match(error.message, reason);
    return true;
  });
  // What was written so far must leave no trace in what comes next.
  assert.equal(
    digest([1, 2, 3]).hex,
    "efd2ce5d1b243784f054828796128a9e3f85044cbfc21f7144a7a448ea3361e6",
  );
}
