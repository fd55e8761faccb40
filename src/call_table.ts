import type { LazyCall } from "./lazy_call.ts";

/** One row of a {@linkcode CallTable}. */
export interface CallRow {
  /** The lookup key, 64 lower-case hexadecimal digits. */
  readonly key: string;
  /** The function's name. */
  readonly name: string;
  /** Where the function is defined. */
  readonly module: string | null;
  /** The function's version. */
  readonly version: string | number | null;
  /** The arguments as people read them, where the record holds them. */
  readonly arguments: string;
  /** When the call ended; undefined if that was not noted. */
  readonly finished: Date | undefined;
  /** How long the call took, in seconds; undefined if that was not noted. */
  readonly walltime: number | undefined;
}

/** Digits of a key that a printed table shows. */
const SHOWN_DIGITS = 8;

/** Most characters of the arguments that a printed table shows. */
const SHOWN_CHARACTERS = 60;

/** Calls as rows, which print as a text table. */
export class CallTable {
  /** The rows, in the order of the calls. */
  readonly rows: readonly CallRow[];

  /** Takes the calls. */
  constructor(calls: readonly LazyCall[]) {
    this.rows = calls.map(toRow);
  }

  /** The table as text, one line for each call; times are local. */
  toString(): string {
    const lines = this.rows.map((row) => [
      row.key.slice(0, SHOWN_DIGITS),
      row.name,
      row.version === null ? "" : String(row.version),
      row.arguments.length > SHOWN_CHARACTERS
        ? `${row.arguments.slice(0, SHOWN_CHARACTERS - 1)}…`
        : row.arguments,
      row.finished === undefined ? "" : localTime(row.finished),
      row.walltime === undefined ? "" : `${row.walltime.toFixed(3)} s`,
    ]);
    // deno-lint-ignore no-control-regex
    const printable = (cell: string) => cell.replace(/[\u0000-\u001f\u007f-\u009f]/g, "\ufffd");
    const table = [
      ["key", "name", "version", "arguments", "finished", "took"],
      ...lines.map((line) => line.map(printable)),
    ];
    const widths = (table[0] ?? []).map((_, column) =>
      Math.max(...table.map((line) => line[column]?.length ?? 0))
    );
    return table
      .map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
      .map((line) => line.trimEnd())
      .join("\n");
  }

  /** How Deno prints the table. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }
}

function toRow(call: LazyCall): CallRow {
  const { key, name, module, version } = call;
  const { timestop, walltime } = call.metadata["runtime"] ?? {};
  return {
    ...{ key, name, module, version },
    arguments: call.describeArguments(),
    finished: typeof timestop === "number" ? new Date(timestop * 1000) : undefined,
    walltime: typeof walltime === "number" ? walltime : undefined,
  };
}

function localTime(date: Date): string {
  const pad = (part: number) => String(part).padStart(2, "0");
  const day = [date.getFullYear(), pad(date.getMonth() + 1), pad(date.getDate())].join("-");
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join(":")}`;
}
