import { callSites, isLibraryFile, isRuntimeFile } from "./_stack.ts";
import { fileIdentity } from "./module_identity.ts";

/** Functions to look through: the wrapper's own, and those that await on behalf of others. */
const LIMIT = 40;

/**
 * The place that waits for what is running, outside of this library, as `package/path.ts:line`;
 * undefined where there is none, or it has no name that holds on every machine.
 */
export function callSite(): string | undefined {
  for (const site of callSites(callSite, LIMIT)) {
    const file = site.getFileName();
    if (file === null || file === "" || isRuntimeFile(file) || isLibraryFile(file)) continue;
    const { module } = fileIdentity(file);
    return module === null ? undefined : `${module}:${site.getLineNumber()}`;
  }
}
