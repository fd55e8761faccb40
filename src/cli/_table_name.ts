import { BUILT_IN_NAMES } from "../config/load.ts";

/** Names that no table of a cache may have. */
const RESERVED: readonly string[] = [...BUILT_IN_NAMES, "default"];

/** A name for the table of a cache on a host: the host's own, without user and domain. */
export function tableName(host: string): string {
  // ssh takes URIs, too.
  const address = /^ssh:\/\/(.*?)(?::\d+)?\/?$/.exec(host)?.[1] ?? host;
  const place = address.slice(address.lastIndexOf("@") + 1);
  const isAddress = /^[\d.]+$|:/.test(place);
  const own = isAddress ? place : place.split(".")[0] ?? "";
  // What needs no quotes in TOML 1.0.
  const name = own.toLowerCase().replace(/[^a-z0-9_-]+/g, "-").replace(/^-+|-+$/g, "");
  if (name === "") return "remote";
  return RESERVED.includes(name) ? `${name}-remote` : name;
}
