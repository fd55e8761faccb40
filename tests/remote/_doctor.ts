import type { SshCacheOptions } from "@fleche/core";
import { diagnose, type DiagnoseOptions } from "../../src/remote/doctor/doctor.ts";
import type { Step } from "../../src/remote/doctor/step.ts";

/** All steps of a diagnosis. */
export async function stepsOf(
  options: SshCacheOptions,
  how: DiagnoseOptions = { loginTimeout: 30 },
): Promise<Step[]> {
  return await Array.fromAsync(diagnose(options, how));
}

/** The steps of one status. */
export function withStatus(steps: readonly Step[], status: Step["status"]): string[] {
  return steps.filter((each) => each.status === status).map(({ step }) => step);
}

/** What came of the step of a name. */
export function stepNamed(steps: readonly Step[], name: string): Step | undefined {
  return steps.find(({ step }) => step === name);
}

/** Words for ssh in which the one after a name is another. */
export function replaced(words: readonly string[], name: string, value: string): string[] {
  return words.map((each, index) => words[index - 1] === name ? value : each);
}

/** What runs instead of a login shell: it does something first, then what the client asks for. */
export function loginThatRuns(script: string, shell = "sh"): string {
  return `sh -c '${script}; exec ${shell} -c "$SSH_ORIGINAL_COMMAND"'`;
}
