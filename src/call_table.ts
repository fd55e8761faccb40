import {
  displayWidth,
  padded,
  truncated,
  visible,
  visibleJson,
  visibleLines,
} from "./display_text.ts";
import type { LazyCall } from "./lazy_call.ts";
import { durationText, localTime, zonedTime } from "./time_text.ts";

/** One row of a {@linkcode CallTable}. */
export interface CallRow {
  /** The lookup key, 64 lower-case hexadecimal digits. */
  readonly key: string;
  /** The first digits of the key, so many that they mean no other entry of the cache. */
  readonly shortKey: string;
  /** The function's name. */
  readonly name: string;
  /** Where the function is defined. */
  readonly module: string | null;
  /** The function's version. */
  readonly version: string | number | null;
  /** The arguments as people read them, where the record holds them. */
  readonly arguments: string;
  /** The result as people read it, where the record holds it. */
  readonly result: string;
  /** When the call ended; undefined if that was not noted. */
  readonly finished: Date | undefined;
  /** How long the call took, in seconds; undefined if that was not noted. */
  readonly walltime: number | undefined;
}

/** What a {@linkcode CallTable} knows besides the calls. */
export interface CallTableOptions {
  /** Short keys by whole ones. */
  shortKeys?: ReadonlyMap<string, string>;
}

/** How a {@linkcode CallTable} is written as text. */
export interface TextOptions {
  /** Cells of a terminal that a line may take; without limit by default. */
  width?: number;
}

/** How a {@linkcode CallTable} is written as CSV. */
export interface CsvOptions {
  /**
   * What becomes of text that a spreadsheet would run as a formula, since it begins with `=`, `+`,
   * `-`, `@`, a tab or a line break: with `"escape"`, the default, an apostrophe is put before it;
   * with `"keep"` it stays as it is, for programs that are no spreadsheets. Numbers and times are
   * never changed.
   */
  formulas?: "escape" | "keep";
}

/** The name of a column of a {@linkcode CallTable}. */
export type CallColumn = Exclude<keyof CallRow, "shortKey">;

/** The columns in the order in which tables are written. */
const COLUMNS: readonly CallColumn[] = [
  ...["key", "name", "module", "version"] as const,
  ...["arguments", "result", "finished", "walltime"] as const,
];

/** Digits of a key of which nothing else is known. */
const SHOWN_DIGITS = 8;

/** Most cells that arguments take in a text table that may be of any width. */
const SHOWN_ARGUMENTS = 60;

/** What a text table shows, and how few cells it may be made to take. */
const TEXT_COLUMNS: readonly (readonly [heading: string, least: number])[] = [
  ["key", Infinity],
  ["name", 8],
  ["version", 7],
  ["arguments", 9],
  ["finished", Infinity],
  ["took", Infinity],
];

const GAP = "  ";

/**
 * Calls as rows, which print as a text table, show as one in Jupyter, and convert to CSV and JSON
 * lines. Made by {@linkcode QueryIterator.table}.
 *
 * @example Usage
 * ```ts
 * import { Cache, Call, CallMemory, ValueMemory } from "@fleche/core";
 * import assert from "node:assert";
 *
 * await using cache = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
 * await cache.save(new Call({ name: "square", arguments: { x: 3 }, result: 9 }));
 * const table = await cache.query().table();
 * assert.match(table.toString({ width: 80 }), /^key +name +version +arguments.*\n.* square +x=3$/);
 * assert.deepEqual(table.column("result"), ["9"]);
 * assert.match(table.toCsv(), /^key,name,module,version,.*\r\n[0-9a-f]{64},square,,,x=3,9,,\r\n$/);
 * for (const { name } of table) assert.equal(name, "square");
 * ```
 */
export class CallTable implements Iterable<CallRow> {
  /** The rows, in the order of the calls. */
  readonly rows: readonly CallRow[];
  /** The names of the columns. */
  readonly columns: readonly CallColumn[] = COLUMNS;

  /** Takes the calls. */
  constructor(calls: readonly LazyCall[], options: CallTableOptions = {}) {
    const { shortKeys } = options;
    this.rows = calls.map((call) =>
      toRow(call, shortKeys?.get(call.key) ?? call.key.slice(0, SHOWN_DIGITS))
    );
  }

  /** The rows. */
  [Symbol.iterator](): Iterator<CallRow> {
    return this.rows[Symbol.iterator]();
  }

  /** What stands in a column, in the order of the rows. */
  column<K extends keyof CallRow>(name: K): CallRow[K][] {
    return this.rows.map((row) => row[name]);
  }

  /**
   * The table as text, one line for each call; times are local. What does not fit into the width is
   * cut, and what would control the terminal is written as escapes. Module and result are left out.
   */
  toString(options: TextOptions = {}): string {
    const { width = Infinity } = options;
    const lines = [TEXT_COLUMNS.map(([heading]) => heading), ...this.rows.map(textCells)];
    const widths = TEXT_COLUMNS.map(([heading], column) => {
      const widest = Math.max(...lines.map((line) => displayWidth(line[column] ?? "")));
      const limited = heading === "arguments" && width === Infinity;
      return limited ? Math.min(widest, SHOWN_ARGUMENTS) : widest;
    });
    narrow(widths, width);
    return lines
      .map((line) =>
        line.map((cell, column) => {
          const cells = widths[column] ?? 0;
          return padded(truncated(cell, cells), cells);
        })
      )
      .map((line) => truncated(line.join(GAP).trimEnd(), width))
      .join("\n");
  }

  /** The table as an element of a page; all that the calls hold is escaped. */
  toHtml(): string {
    const row = (cells: readonly string[], tag: string) =>
      `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join("")}</tr>`;
    const body = this.rows.map((each) => row(htmlCells(each), "td"));
    const head = row(["key", "name", "module", "version", "arguments", "result", ...ENDS], "th");
    return `<table><thead>${head}</thead><tbody>${body.join("")}</tbody></table>`;
  }

  /**
   * The table as CSV (RFC 4180), with a line of headings. Keys are whole, times local with their
   * offset, durations in seconds; what is not known is empty. What would control a terminal, or turn
   * the direction of writing, stands as an escape, as `\u001b`, which CSV has no way to tell from the
   * same letters; tabs and line breaks stay. For text exactly as it is there are the lines of JSON.
   */
  toCsv(options: CsvOptions = {}): string {
    const text = (value: string) => {
      const shown = visibleLines(value);
      const isFormula = options.formulas !== "keep" && /^[=+\-@\t\r\n]/.test(shown);
      const safe = isFormula ? `'${shown}` : shown;
      return /[",\r\n]/.test(safe) || isFormula ? `"${safe.replaceAll('"', '""')}"` : safe;
    };
    const cell = (value: string | number | null) => {
      if (value === null) return "";
      return typeof value === "number" ? String(value) : text(value);
    };
    const lines = this.rows.map((row) => Object.values(toJson(row)).map(cell).join(","));
    return [COLUMNS.join(","), ...lines].map((line) => `${line}\r\n`).join("");
  }

  /**
   * The table as lines of JSON, one object for each call. Keys are whole, times local with their
   * offset, durations in seconds; what is not known is null. What would control a terminal is written
   * as an escape of JSON, so that parsing it gives the text as it is.
   */
  toJsonLines(): string {
    return this.rows.map((row) => `${visibleJson(JSON.stringify(toJson(row)))}\n`).join("");
  }

  /** How Deno prints the table: as wide as the terminal, if that is where it goes. */
  [Symbol.for("Deno.customInspect")](): string {
    const columns = Deno.stdout.isTerminal() ? Deno.consoleSize().columns : 0;
    // Some terminals do not know how wide they are.
    return this.toString(columns > 0 ? { width: columns } : {});
  }

  /** How Jupyter shows the table. */
  [Symbol.for("Jupyter.display")](): Record<string, string> {
    return { "text/plain": this.toString(), "text/html": this.toHtml() };
  }
}

function toRow(call: LazyCall, shortKey: string): CallRow {
  const { key, name, module, version } = call;
  const { timestop, walltime } = call.metadata["runtime"] ?? {};
  const finished = new Date(typeof timestop === "number" ? timestop * 1000 : NaN);
  const isDuration = typeof walltime === "number" && walltime >= 0 && walltime < Infinity;
  return {
    ...{ key, shortKey, name, module, version },
    arguments: call.describeArguments(),
    result: call.describeResult(),
    finished: Number.isNaN(finished.getTime()) ? undefined : finished,
    walltime: isDuration ? walltime : undefined,
  };
}

/** The columns that text and HTML write for people. */
const ENDS = ["finished", "took"];

function endCells({ finished, walltime }: CallRow): string[] {
  return [
    finished === undefined ? "" : localTime(finished),
    walltime === undefined ? "" : durationText(walltime),
  ];
}

function textCells(row: CallRow): string[] {
  const { shortKey, name, version, arguments: args } = row;
  return [shortKey, name, String(version ?? ""), args, ...endCells(row)].map(visible);
}

function htmlCells(row: CallRow): string[] {
  const { shortKey, name, module, version, arguments: args, result } = row;
  const cells = [shortKey, name, module ?? "", String(version ?? ""), args, result];
  return [...cells, ...endCells(row)].map(visible);
}

// What a program that reads the table gets, in the order of the columns.
function toJson(row: CallRow): Record<CallColumn, string | number | null> {
  const { key, name, module, version, arguments: args, result, finished, walltime } = row;
  return {
    ...{ key, name, module, version },
    arguments: args,
    result,
    finished: finished === undefined ? null : zonedTime(finished),
    walltime: walltime ?? null,
  };
}

// Takes cells from the widest column that can spare them, until the line fits or none can.
function narrow(widths: number[], width: number): void {
  const spare = (column: number) => (widths[column] ?? 0) - (TEXT_COLUMNS[column]?.[1] ?? 0);
  const gaps = GAP.length * (widths.length - 1);
  let surplus = widths.reduce((sum, each) => sum + each, gaps) - width;
  while (surplus > 0) {
    const candidates = widths.keys().filter((column) => spare(column) > 0).toArray();
    const [first] = candidates.sort((one, other) => (widths[other] ?? 0) - (widths[one] ?? 0));
    if (first === undefined) return;
    widths[first] = (widths[first] ?? 0) - 1;
    surplus--;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  ...{ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" },
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
