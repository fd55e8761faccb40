/** What came of a step. */
export type StepStatus = "ok" | "warning" | "failed" | "skipped";

/** One thing that was looked at. */
export interface Step {
  /** What was looked at, in a few words that stay the same from version to version. */
  readonly step: string;
  readonly status: StepStatus;
  /** What was found; several lines where another program's own words are shown. */
  readonly detail: string;
  /** What to do about it. */
  readonly remedy?: string;
}

/** A step that went well. */
export function ok(step: string, detail: string): Step {
  return { step, status: "ok", detail };
}

/** A step that went well enough, but for something that should be mended. */
export function warning(step: string, detail: string, remedy: string): Step {
  return { step, status: "warning", detail, remedy };
}

/** A step after which going on makes no sense. */
export function failed(step: string, detail: string, remedy: string): Step {
  return { step, status: "failed", detail, remedy };
}

/** A step that cannot be taken here. */
export function skipped(step: string, detail: string): Step {
  return { step, status: "skipped", detail };
}

/** What another program said, below a line of our own; the last lines, if there are many. */
export function withWords(text: string, words: readonly string[]): string {
  return [text, ...words.filter((line) => line.trim() !== "").slice(-MAX_WORDS)].join("\n");
}

/** Lines of another program's words that are shown. */
const MAX_WORDS = 20;
