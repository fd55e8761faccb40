import type { OnStale } from "./cached_function.ts";
import type { Dependencies } from "./function_keys.ts";
import type { HashCode } from "./function_profile.ts";
import type { MetaData } from "./metadata/meta_data.ts";

/** How `fleche` caches a function. */
export interface FlecheOptions {
  /** The function's name in the cache; its own name by default. */
  name?: string;
  /**
   * Where the function is defined, in words that hold on every machine; by default the name of the
   * package and the path of the file below its deno.json or package.json. The file is the one that
   * caches the function or, if its source is not in there, one that this was called from; if it is in
   * none of them the source joins the key, with a warning.
   */
  module?: string | null;
  /** The version; raise it when the function comes to compute something else. */
  version?: string | number;
  /** Names of the parameters, where the source does not give them. */
  params?: readonly string[];
  /** Arguments that have to be given for a call to be cached. */
  require?: readonly string[];
  /** Arguments that make no difference to the result. */
  ignore?: readonly string[];
  /** Whether the version joins the key; true by default. */
  hashVersion?: boolean;
  /** Whether the module joins the key; true by default. */
  hashModule?: boolean;
  /**
   * Whether the function's source joins the key; false by default. With `"module"` so do the whole
   * file that it is defined in and every local module that this imports, directly or not. Comments and
   * white space do not count, but in a file whose syntax the parser does not know. Of import maps,
   * those of deno.json count, with their scopes; of one that is given on the command line, no scopes.
   */
  hashCode?: HashCode;
  /** What else the results depend on: values, or a function that returns them at each call. */
  deps?: Dependencies;
  /** Metadata to note besides that of the configuration. */
  meta?: readonly MetaData[];
  /**
   * Whether the body runs in a temporary working directory of its own, which is removed with all that
   * is in it when the result is stored; false by default. A process has one working directory: calls
   * with this option run one after the other, those that one of them makes inside of it, and
   * whatever else runs at the same time sees the directory change.
   *
   * What such a call wants that is running outside of it runs a second time, even with
   * `singleFlight`: the one outside may come to wait for the working directory, and then neither
   * would end. Calls that it makes and does not await keep it for two seconds at the most, after which
   * they go on in the working directory of its caller.
   */
  isolate?: boolean;
  /** Whether the arguments are stored, or only their digests; true by default. */
  storeArguments?: boolean;
  /**
   * What happens when a stored result comes from another source text of the function: it is used
   * with a warning (`"warn"`, the default), computed again, or used in silence (`"ignore"`).
   */
  onStale?: OnStale;
  /**
   * Whether calls with one key that come at the same time run once only, in this process and in all
   * that share the call storage; true by default. For calls inside of isolated ones see `isolate`.
   */
  singleFlight?: boolean;
}
