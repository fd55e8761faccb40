/** What an installation fell short of. */
export type InstallStep =
  | "program"
  | "login"
  | "platform"
  | "path"
  | "digest"
  | "folder"
  | "write"
  | "verify"
  | "run"
  | "rename";

/** A program could not be installed on another machine. What was there before is still there. */
export class InstallError extends Error {
  /** The class name, stable across bundlers. */
  override readonly name = "InstallError";
  /** Stable identifier of this kind of error. */
  readonly code = "INSTALL_FAILED";
  /** Takes a message, the step that failed, and the last lines of the remote standard error. */
  constructor(
    message: string,
    readonly data: { step: InstallStep; host?: string; stderr?: string[] },
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
