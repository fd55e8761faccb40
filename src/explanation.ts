import { localTime } from "./time_text.ts";
import type { LazyCall } from "./lazy_call.ts";

/**
 * What comes of a call: it is loaded (`hit`); it runs because nothing is stored of it, or the active
 * cache does not find what is stored, as a RefreshingCache (`miss`), because its stored result is gone (`lost`), or because the function has changed (`stale`, only
 * where `onStale` is `"recompute"`); or it runs without the cache (`uncacheable`).
 */
export type ExplanationStatus = "hit" | "miss" | "lost" | "stale" | "uncacheable";

/** One component of a call's key that differs from that of a stored call. */
export interface Difference {
  /** Which one. */
  readonly component: "argument" | "order" | "module" | "version" | "code" | "deps";
  /** The path to what differs, as `options.grid[3].dx`; for other components their name. */
  readonly path: string;
  /** What the stored call has there, as people read it; undefined if nothing. */
  readonly stored: string | undefined;
  /** What the call has there; undefined if nothing. */
  readonly given: string | undefined;
}

/** What makes up an {@linkcode Explanation}. */
export interface ExplanationParts {
  /** The function's name. */
  readonly name: string;
  /** What comes of the call. */
  readonly status: ExplanationStatus;
  /** Its key, if it has one. */
  readonly key?: string | undefined;
  /** What else there is to say: the obstacle, or what is wrong with what is stored. */
  readonly reason?: string | undefined;
  /** The stored call, or the closest one. */
  readonly call?: LazyCall | undefined;
  /** How the closest one differs. */
  readonly differences?: readonly Difference[];
}

/**
 * Whether a call would be loaded, and if not, why. It prints as text.
 *
 * @example Usage
 * ```ts
 * import { fleche, withCache } from "@fleche/core";
 * import assert from "node:assert";
 *
 * const simulate = fleche(function simulate({ grid = [1, 2], seed = 0 } = {}) {
 *   return grid.length + seed;
 * }, { version: 1 });
 * await withCache("memory", async () => {
 *   await simulate({ grid: [1, 2] });
 *   assert.equal((await simulate.explain({ grid: [1, 2] })).status, "hit");
 *   const { status, differences } = await simulate.explain({ grid: [1, 3] });
 *   assert.equal(status, "miss");
 *   assert.deepEqual(differences, [
 *     { component: "argument", path: "grid[1]", stored: "2", given: "3" },
 *   ]);
 * });
 * ```
 */
export class Explanation {
  /** The function's name. */
  readonly name: string;
  /** What comes of the call. */
  readonly status: ExplanationStatus;
  /** Its key, 64 lower-case hexadecimal digits; undefined if it has none. */
  readonly key: string | undefined;
  /** What else there is to say: the obstacle, or what is wrong with what is stored. */
  readonly reason: string | undefined;
  /** The stored call; if there is none, the closest one of the function. */
  readonly call: LazyCall | undefined;
  /** How the closest one differs: what would have to be the same for it to be loaded. */
  readonly differences: readonly Difference[];

  /** Takes its parts. */
  constructor({ name, status, key, reason, call, differences = [] }: ExplanationParts) {
    this.name = name;
    this.status = status;
    this.key = key;
    this.reason = reason;
    this.call = call;
    this.differences = differences;
  }

  /** The explanation as text, of one line or several. */
  toString(): string {
    const reason = this.reason === undefined ? "" : `: ${this.reason}`;
    switch (this.status) {
      case "hit":
        return `${this.name} is stored as ${short(this.key)}${this.#when()}${reason}`;
      case "miss":
        if (this.call !== undefined && this.call.key === this.key) {
          return `${this.name} runs again${reason} (${short(this.key)}${this.#when()})`;
        }
        return [`${this.name} is not stored${reason}${this.#closest()}`, ...this.#lines()].join(
          "\n",
        );
      case "lost":
        return `${this.name} runs again${reason} (${short(this.key)}${this.#when()})`;
      case "stale":
        return `${this.name} runs again${reason} (${short(this.key)}${this.#when()})`;
      case "uncacheable":
        return `${this.name} runs uncached${reason}`;
    }
  }

  #when(): string {
    const timestop = this.call?.metadata["runtime"]?.["timestop"];
    return typeof timestop === "number" ? ` since ${localTime(new Date(timestop * 1000))}` : "";
  }

  #closest(): string {
    if (this.call === undefined) return "";
    return `; the closest stored call is ${short(this.call.key)}${this.#when()}, with`;
  }

  #lines(): string[] {
    return this.differences.map(({ component, path, stored, given }) => {
      let label = component === "argument" || component === path ? path : `${component} ${path}`;
      if (component === "order") label = "order of the arguments";
      return `  ${label}: ${stored ?? "nothing"} -> ${given ?? "nothing"}`;
    });
  }

  /** How Deno prints an explanation. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }
}

function short(key: string | undefined): string {
  return (key ?? "").slice(0, 8);
}
