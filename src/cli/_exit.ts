/** What the program's exit code says. */
export const EXIT = {
  /** All went well. */
  ok: 0,
  /** The work failed, or not all of it could be done. */
  failed: 1,
  /** The command line is wrong; nothing was done. */
  usage: 2,
  /** `fleche verify` has found damage. */
  damage: 3,
} as const;

/** Takes the exit code of a command that has ended without an error. */
export type ExitWith = (code: typeof EXIT[keyof typeof EXIT]) => void;
