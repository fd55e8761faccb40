import { VERSION } from "../../src/version.ts";

/** What a server may tell of itself. */
export const INFO = {
  cache: null,
  cache_name: null,
  read_only: false,
  version: VERSION,
  cwd: "/",
  hostname: "far",
  executable: "/fleche",
  pid: Deno.pid,
  ordered: true,
};
