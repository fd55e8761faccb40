import { CallInfo } from "../metadata/call_info.ts";
import { Environment } from "../metadata/environment.ts";
import { Git } from "../metadata/git.ts";
import type { MetaData } from "../metadata/meta_data.ts";
import { Runtime } from "../metadata/runtime.ts";
import { ConfigFault, type ConfigPath, meantOrAll } from "./_section.ts";

/** Metadata that a configuration can name. */
const METADATA: Readonly<Record<string, () => MetaData>> = {
  Runtime: () => new Runtime(),
  Environment: () => new Environment(),
  Git: () => new Git(),
  CallInfo: () => new CallInfo(),
};

/** Makes the metadata of a name, or complains that there is none. */
export function metadataNamed(name: string, path: ConfigPath): MetaData {
  const make = Object.hasOwn(METADATA, name) ? METADATA[name] : undefined;
  if (make !== undefined) return make();
  if (name === "Tags") {
    throw new ConfigFault(
      "tags belong to calls, not to a configuration: set them in the program, with tags({ ... }) or " +
        "withTags({ ... }, fn)",
      path,
    );
  }
  const hint = meantOrAll(name, Object.keys(METADATA), "there are");
  throw new ConfigFault(`there is no metadata "${name}"; ${hint}`, path);
}
