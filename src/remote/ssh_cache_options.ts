/** Where `SshCache` finds its cache. */
export interface SshCacheOptions {
  /** The host as ssh takes it: `host`, `user@host`, or a name from its configuration. */
  host: string;
  /** Which cache of the remote configuration; the default one if it is left out. */
  cacheName?: string;
  /**
   * The remote program: text that the remote shell reads, or a list of words that are passed as
   * they are. `"fleche"` by default.
   */
  command?: string | readonly string[];
  /** Further options for ssh, as `["-p", "2222"]`. */
  sshOptions?: readonly string[];
  /** Commands that the remote shell runs first, as `["module load fleche"]`. */
  setupCommands?: readonly string[];
  /** The remote folder to work in, where the search for a fleche.toml begins. */
  workdir?: string;
  /**
   * Variables to set on the remote side. They are part of the command, which other users of both
   * machines can see while it runs: not for secrets.
   */
  env?: Readonly<Record<string, string>>;
  /**
   * How long the connection may stand still while an answer is due, in seconds, before it is given
   * up: 60 by default. A standstill of five seconds is told of with a warning.
   */
  timeout?: number;
  /**
   * How long it may take until the remote program answers for the first time, in seconds; without
   * limit by default, because ssh may ask for a second factor.
   */
  connectTimeout?: number;
  /** How long storing a call may take before the caller gets the result without it: 60 seconds. */
  saveTimeout?: number;
}
