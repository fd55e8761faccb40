import { visibleJson } from "../display_text.ts";

/** Nobody reads the output any more, as when `head` has what it wanted. */
export class OutputClosed extends Error {}

const encoder = new TextEncoder();

/**
 * Writes to standard output, all of it before the promise resolves.
 *
 * @throws {OutputClosed} If nobody reads it any more.
 * @throws {Error} If it cannot be written, as on a full device.
 */
export async function print(text: string): Promise<void> {
  let rest = encoder.encode(text);
  try {
    while (rest.length > 0) rest = rest.subarray(await Deno.stdout.write(rest));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosed();
    if (!(error instanceof Error)) throw error;
    throw new Error(`Cannot write to standard output: ${error.message}`, { cause: error });
  }
}

/** Writes a value as a line of JSON. */
export async function printJson(value: unknown): Promise<void> {
  await print(`${visibleJson(JSON.stringify(value))}\n`);
}

/** Writes lines. */
export async function printLines(lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await print(`${lines.join("\n")}\n`);
}
