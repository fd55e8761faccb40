/** The exit code with which ssh itself fails; any other one is that of what ran on the far side. */
export const SSH_FAILED = 255;

/** How a run of ssh ended. */
export interface SshRun {
  readonly code: number;
  readonly stdout: string;
  /** The lines of standard error. */
  readonly stderr: string[];
}

/**
 * Runs ssh to its end, without input.
 *
 * @returns Nothing if there is no such program.
 */
export async function runSsh(args: readonly string[]): Promise<SshRun | undefined> {
  try {
    const { code, stdout, stderr } = await new Deno.Command("ssh", {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
    const [text = "", words = ""] = [stdout, stderr].map((bytes) =>
      new TextDecoder().decode(bytes)
    );
    return { code, stdout: text, stderr: words.split(/\r?\n/).filter((line) => line !== "") };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
