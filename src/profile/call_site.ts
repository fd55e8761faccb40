import { callSites, isRuntimeFile } from "./_stack.ts";
import { fileIdentity } from "./module_identity.ts";

/** Functions to look through: the wrapper's own, and those that await on behalf of others. */
const LIMIT = 40;

/** The folder that this library stands in: its own functions are no callers. */
const LIBRARY = new URL("..", import.meta.url).href;

/**
 * The place that waits for what is running, outside of this library, as `package/path.ts:line`;
 * undefined where there is none, or it has no name that holds on every machine.
 */
export function callSite(): string | undefined {
  for (const site of callSites(callSite, LIMIT)) {
    const file = site.getFileName();
    if (file === null || file === "" || isRuntimeFile(file) || isOwn(file)) continue;
    const { module } = fileIdentity(file);
    return module === null ? undefined : `${module}:${site.getLineNumber()}`;
  }
}

function isOwn(file: string): boolean {
  return (file.startsWith("/") ? `file://${file}` : file).startsWith(LIBRARY);
}
