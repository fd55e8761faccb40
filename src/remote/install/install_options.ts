/** How much of a program has been sent, in bytes. */
export interface InstallProgress {
  /** Where the sending began: what was there already. */
  readonly start: number;
  /** What is there or on its way. */
  readonly done: number;
  /** Length of the program. */
  readonly total: number;
}

/** What is to be installed where. */
export interface InstallOptions {
  /** The host as ssh takes it. */
  readonly host: string;
  /** Where the program goes, from the remote home directory on; a leading `~/` says so. */
  readonly path?: string | undefined;
  /** Further options for ssh. */
  readonly sshOptions?: readonly string[] | undefined;
  /** The version that the program tells; any if it is left out. */
  readonly version?: string | undefined;
  /** Seconds that the login may take; without limit by default, since somebody may be asked. */
  readonly loginTimeout?: number | undefined;
  /** Called as the sending goes on. */
  readonly onProgress?: ((progress: InstallProgress) => void) | undefined;
}

/** What was installed. */
export interface Installation {
  /** The absolute path over there. */
  readonly path: string;
  /** What the program says of its version. */
  readonly version: string;
  /** Bytes of it that were there already: all of them if nothing was to be done. */
  readonly found: number;
}
