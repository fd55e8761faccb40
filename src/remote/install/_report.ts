import type { LineReader } from "./_line_reader.ts";
import { REPORT_BEGIN } from "./_script.ts";
import type { Libc } from "./program_file.ts";

/** Lines that a login script may print. */
const NOISE_LINES = 5000;

/** What the script has found on the other machine. */
export interface Report {
  /** The operating system, as `uname -s` calls it. */
  readonly system: string;
  /** The processor, as `uname -m` calls it. */
  readonly machine: string;
  readonly libc: Libc | undefined;
  /** The absolute path of the place for the program. */
  readonly path: string;
  /** Whether it can make digests. */
  readonly hasDigests: boolean;
  /** What stands in that place and is no file. */
  readonly obstacle: "directory" | "special" | undefined;
  /** SHA-256 of a file in that place that is as long as the program. */
  readonly target: string | undefined;
  /** What an earlier attempt has left. */
  readonly part: { readonly size: number; readonly digest: string } | undefined;
}

/** How a server begins. */
const GREETING = /^fleche\/\d+ /;

/**
 * Reads a report, past whatever was printed before.
 *
 * @returns Nothing if none comes; `"serves"` if it is a server that runs there.
 */
export async function readReport(lines: LineReader): Promise<Report | "serves" | undefined> {
  for (let count = 0;; count++) {
    const line = await lines.next();
    if (line === undefined || count > NOISE_LINES) return undefined;
    if (GREETING.test(line)) return "serves";
    if (line === REPORT_BEGIN) break;
  }
  const found = new Map<string, string>();
  while (true) {
    const line = await lines.next();
    if (line === undefined) return undefined;
    if (line === "end") return reportOf(found);
    const [name = "", ...words] = line.split(" ");
    found.set(name, words.join(" "));
  }
}

function reportOf(found: ReadonlyMap<string, string>): Report {
  const digest = (name: string) => /\b[0-9a-f]{64}\b/.exec(found.get(name) ?? "")?.[0];
  const partDigest = digest("part");
  return {
    system: found.get("system") ?? "",
    machine: found.get("machine") ?? "",
    libc: libcNamed(found.get("libc") ?? ""),
    path: found.get("path") ?? "",
    hasDigests: found.has("digests"),
    obstacle: found.has("directory") ? "directory" : found.has("special") ? "special" : undefined,
    target: digest("target"),
    part: partDigest === undefined
      ? undefined
      : { size: Number.parseInt(found.get("part") ?? "", 10), digest: partDigest },
  };
}

// From `getconf GNU_LIBC_VERSION`, or from what ldd says of itself.
function libcNamed(text: string): Libc | undefined {
  if (/\bmusl\b/.test(text)) return { name: "musl" };
  const version = /(?:glibc|gnu libc)\D*(\d+\.\d+)/i.exec(text)?.[1];
  return version === undefined ? undefined : { name: "glibc", version };
}
