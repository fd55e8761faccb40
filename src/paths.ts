import { homedir, hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { randomBytes } from "node:crypto";

/** The absolute form of a path in which a leading `~` means the home directory. */
export function expandPath(path: string): string {
  if (path === "~" || path.startsWith("~/")) return join(homedir(), path.slice(1));
  return resolve(path);
}

/**
 * The path of what an absolute path leads to, without links on the way, whether it is there already
 * or not; the path itself where that may not be known.
 */
export function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) return path;
  }
  const target = linkTarget(path);
  if (target !== undefined) return realPath(resolve(dirname(path), target));
  const folder = dirname(path);
  return folder === path ? path : join(realPath(folder), basename(path));
}

function linkTarget(path: string): string | undefined {
  try {
    return Deno.readLinkSync(path);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

let host: string | undefined;
let counter = 0;

/** A file name that no other process or thread makes: host, process id, counter, random. */
export function uniqueName(): string {
  return `${hostName()}-${Deno.pid}-${counter++}-${randomBytes(6).toString("hex")}`;
}

/** The name of this machine, as far as file names take it; "host" without the permission to know. */
export function hostName(): string {
  return host ??= safeHostname();
}

function safeHostname(): string {
  try {
    return hostname().replace(/[^\w.-]/g, "_") || "host";
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return "host";
    throw error;
  }
}
