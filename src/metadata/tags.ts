import { copiedJson, isName, type Json } from "../json.ts";
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
   * @throws {TypeError} If a name is none that can be stored, as `__proto__`, or a value is nothing
   *   that JSON can hold.
   */
  constructor(tags: TagSet) {
    const values: Record<string, Json> = {};
    for (const [name, value] of entriesOf(tags)) {
      if (!isName(name)) {
        throw new TypeError(`Cannot use ${JSON.stringify(name)} as the name of a tag`);
      }
      const copy = copiedJson(value);
      if (copy === undefined) {
        throw new TypeError(
          `Cannot use the tag "${name}": its value is nothing that JSON can hold`,
        );
      }
      values[name] = copy;
    }
    this.values = values;
  }

  /** The tags. */
  before(): Notes {
    return { ...this.values };
  }
}

function entriesOf(tags: TagSet): [name: unknown, value: unknown][] {
  if (Array.isArray(tags)) return tags.map((name) => [name, true]);
  return Object.entries(tags);
}
