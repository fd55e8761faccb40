import { ConfigError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { parseSize, SIZES } from "./_size.ts";

/** Where something stands in a configuration: keys and indices from the top. */
export type ConfigPath = readonly (string | number)[];

/** A fault in a configuration, before it is known which file and line it comes from. */
export class ConfigFault extends Error {
  /** Takes what is wrong, as the end of a sentence, and where. */
  constructor(message: string, readonly path: ConfigPath) {
    super(message);
  }
}

/** A path as it is written: `shared[1].values.type`. */
export function pathText(path: ConfigPath): string {
  return path
    .map((step, index) => typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`)
    .join("");
}

/** Turns faults into errors that say where they are. */
export function withoutFile<T>(build: () => T): T {
  try {
    return build();
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error;
    const where = error.path.length === 0 ? "" : `${pathText(error.path)}: `;
    // Not as the cause of it, which would show a stack trace of this module for a typo.
    throw new ConfigError(`Bad configuration: ${where}${error.message}`);
  }
}

/** A table of a configuration whose keys are taken one by one; what is left over is a fault. */
export class Section {
  readonly #table: Record<string, unknown>;
  readonly #known = new Set<string>();

  /** Takes what should be a table. */
  constructor(table: unknown, readonly path: ConfigPath) {
    if (!isTable(table)) throw new ConfigFault("should be a table", path);
    this.#table = table;
  }

  /** Whether there is a key. */
  has(key: string): boolean {
    this.#known.add(key);
    return Object.hasOwn(this.#table, key);
  }

  /** Whether there is a key that is accepted, but not offered. */
  hides(key: string): boolean {
    const there = Object.hasOwn(this.#table, key);
    if (there) this.#known.add(key);
    return there;
  }

  /** A value of any type. */
  any(key: string): unknown {
    return this.has(key) ? this.#table[key] : undefined;
  }

  #typed<T>(key: string, what: string, is: (value: unknown) => value is T): T | undefined {
    const value = this.any(key);
    if (value === undefined || is(value)) return value;
    return this.fault(key, `should be ${what}`);
  }

  /** A string. */
  string(key: string): string | undefined {
    return this.#typed(key, "a string", (value) => typeof value === "string");
  }

  /** A string that has to be there. */
  requiredString(key: string): string {
    const value = this.string(key);
    if (value === undefined) this.lacks(key, "key");
    return value;
  }

  /** Complains that a key is missing: at the one that looks like it, if there is one. */
  lacks(key: string, kind: "key" | "table"): never {
    this.suggest([key]);
    throw new ConfigFault(`lacks the ${kind} "${key}"`, this.path);
  }

  /** A path that has to be there, and not be a URL. */
  requiredPath(key: string, example: string): string {
    const path = this.requiredString(key);
    if (path === "") this.fault(key, `should be a path, as "${example}"; it is empty`);
    if (/^sqlite:|^[a-z][\w+.-]*:\/\//i.test(path)) {
      this.fault(key, `should be a path, as "${example}", not a URL`);
    }
    return path;
  }

  /** A string out of a few. */
  choice<const T extends string>(key: string, choices: readonly T[]): T | undefined {
    const value = this.string(key);
    const found = choices.find((choice) => choice === value);
    if (value === undefined || found !== undefined) return found;
    return this.fault(key, `"${value}" is none of ${choices.join(", ")}${meant(value, choices)}`);
  }

  /** A string out of a few, or a boolean. */
  choiceOrBoolean<const T extends string>(
    key: string,
    choices: readonly T[],
  ): T | boolean | undefined {
    const value = this.any(key);
    if (typeof value === "boolean") return value;
    if (value === undefined || typeof value === "string") return this.choice(key, choices);
    return this.fault(key, `should be ${choices.join(", ")}, true or false`);
  }

  /** A boolean. */
  boolean(key: string): boolean | undefined {
    return this.#typed(key, "true or false", (value) => typeof value === "boolean");
  }

  /** A number above zero. */
  positive(key: string): number | undefined {
    return this.#typed(
      key,
      "a number above zero",
      (value): value is number => typeof value === "number" && value > 0,
    );
  }

  /** A whole number above zero. */
  count(key: string): number | undefined {
    return this.#typed(key, "a whole number above zero", isCount);
  }

  /** A number of bytes, which may be written as `"10 GiB"`. */
  bytes(key: string): number | undefined {
    const value = this.any(key);
    if (value === undefined || isCount(value)) return value;
    const bytes = typeof value === "string" ? parseSize(value) : undefined;
    return bytes ?? this.fault(key, `should be a whole number above zero, or a text as ${SIZES}`);
  }

  /** A list of strings. */
  strings(key: string): string[] | undefined {
    return this.#typed(
      key,
      "a list of strings",
      (value): value is string[] =>
        Array.isArray(value) && value.every((each) => typeof each === "string"),
    );
  }

  /** A table whose values are strings. */
  stringTable(key: string): Record<string, string> | undefined {
    return this.#typed(
      key,
      "a table of strings",
      (value): value is Record<string, string> =>
        isTable(value) && Object.values(value).every((each) => typeof each === "string"),
    );
  }

  /** A table below this one. */
  section(key: string): Section {
    if (!this.has(key)) this.lacks(key, "table");
    return new Section(this.#table[key], [...this.path, key]);
  }

  /** Complains about a key. */
  fault(key: string, message: string): never {
    throw new ConfigFault(message, [...this.path, key]);
  }

  /** Complains about the first key that nothing has asked for and that looks like one of some others. */
  suggest(names: readonly string[]): void {
    for (const key of Object.keys(this.#table)) {
      const near = names.includes(key) || this.#known.has(key) ? undefined : nearest(key, names);
      if (near !== undefined) this.fault(key, `unknown key; did you mean "${near}"?`);
    }
  }

  /** Complains about keys that nothing has asked for. */
  finish(): void {
    for (const key of Object.keys(this.#table)) {
      if (this.#known.has(key)) continue;
      this.fault(key, `unknown key; ${meantOrAll(key, [...this.#known], "it takes")}`);
    }
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

/** The end of a sentence that suggests a name, if one is near enough. */
export function meant(word: string, names: Iterable<string>): string {
  const near = nearest(word, names);
  return near === undefined ? "" : `; did you mean "${near}"?`;
}

/** Suggests a name, or lists all of them. */
export function meantOrAll(word: string, names: readonly string[], verb: string): string {
  const near = nearest(word, names);
  return near === undefined ? `${verb} ${names.join(", ")}` : `did you mean "${near}"?`;
}

/** Whether a value is a table. */
export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Date);
}
