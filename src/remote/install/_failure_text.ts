import type { InstallStep } from "./install_error.ts";

/** Exit code of a shell that may not run a program. */
const NOT_EXECUTABLE = 126;

/** How much is shown of what a program has printed, in characters. */
const PRINTED = 300;

/** What is known of a failure. */
export interface FailureFacts {
  /** The absolute path of the place for the program. */
  readonly path: string;
  /** Lines that the script has said, by their first words. */
  readonly said: ReadonlyMap<string, string>;
}

/** What a step that failed means, and what to do. */
export function failureText(
  name: string,
  { path, said }: FailureFacts,
): { step: InstallStep; message: string } {
  const kept =
    `What has arrived is kept in "${path}.part", and the next attempt goes on from there`;
  switch (name) {
    case "folder":
      return {
        step: "folder",
        message: `the folder of "${path}" cannot be made or written to: choose another with --path`,
      };
    case "part":
      return {
        step: "folder",
        message: "what an earlier attempt has left is gone, as if another one used it: try again",
      };
    case "incomplete":
      return { step: "write", message: "the program became shorter while it was sent: try again" };
    case "write":
      return {
        step: "write",
        message:
          `the copy cannot be written: make room, or choose another place with --path. ${kept}`,
      };
    case "verify":
      return {
        step: "verify",
        message: "the copy differs from the program, and was removed: try again",
      };
    case "run":
      return { step: "run", message: runText(said, kept) };
    default:
      return { step: "rename", message: `"${path}" cannot be replaced. ${kept}` };
  }
}

function runText(said: ReadonlyMap<string, string>, kept: string): string {
  const status = Number(said.get("status"));
  const printed = JSON.stringify((said.get("said") ?? "").slice(0, PRINTED));
  if (status === 0) return `the program is not fleche: asked for its version it says ${printed}`;
  const hint = status === NOT_EXECUTABLE
    ? "; if nothing may run in that folder, choose another with --path"
    : "";
  return `the program does not run there (exit code ${status}), it says ${printed}${hint}. ${kept}`;
}
