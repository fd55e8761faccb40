/** The version of this package, as deno.json gives it. */
export const VERSION = "0.1.0";
