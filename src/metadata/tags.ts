import { isJson, type Json } from "../call_record.ts";
import type { MetaData, Notes } from "./meta_data.ts";

/** Tags: values by name, or names alone, which have the value true. */
export type TagSet = Readonly<Record<string, Json>> | readonly string[];

/**
 * Tags that the user gives, stored under the name `tags`. They are no part of a call's key, so that
 * a hit keeps the tags of the run that was stored.
 *
 * @example Usage
 * ```ts
 * import { Cache, CallMemory, fleche, Tags, ValueMemory, withCache } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * const meta = [new Tags({ sample: "B12" })];
 * const half = fleche((x: number) => x / 2, { name: "half", version: 1, meta });
 * await withCache(cache, () => half(3));
 * const tagged = cache.query({ metadata: { tags: { sample: "B12" } } });
 * assert.deepEqual(await tagged.results(), [1.5]);
 * ```
 */
export class Tags implements MetaData {
  /** The name under which the notes are stored. */
  readonly name = "tags";

  /** The tags, by name. */
  readonly values: Readonly<Record<string, Json>>;

  /**
   * Takes the tags.
   *
   * @throws {TypeError} If a name is no string, or a value is nothing that JSON can hold.
   */
  constructor(tags: TagSet) {
    const values = isList(tags) ? named(tags) : { ...tags };
    const wrong = Object.keys(values).find((name) => !isJson(values[name], 1));
    if (wrong !== undefined) {
      throw new TypeError(`Cannot use the tag "${wrong}": its value is nothing that JSON can hold`);
    }
    this.values = values;
  }

  /** The tags. */
  before(): Notes {
    return { ...this.values };
  }
}

function isList(tags: TagSet): tags is readonly string[] {
  return Array.isArray(tags);
}

function named(names: readonly unknown[]): Record<string, true> {
  const wrong = names.find((name) => typeof name !== "string");
  if (wrong !== undefined) throw new TypeError(`Cannot use ${String(wrong)} as the name of a tag`);
  return Object.fromEntries(names.map((name) => [name, true]));
}
