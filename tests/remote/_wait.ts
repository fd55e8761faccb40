/** Longest wait for anything, in milliseconds; what takes longer never comes. */
const PATIENCE = 30_000;

/** Pause between two looks, in milliseconds. */
const PAUSE = 5;

/**
 * Waits until something holds that gives no sign of itself.
 *
 * @throws {Error} If it does not come to hold.
 */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (!await holds()) {
    if (performance.now() > end) throw new Error(`Waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

/**
 * What a promise gives, if it does so in time; a test that hangs says nothing.
 *
 * @throws {Error} If it does not.
 */
export async function inTime<T>(promise: Promise<T>, what: string, time = PATIENCE): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited in vain for ${what}`)), time);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether there is a file. */
export function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A process of this machine. */
export interface Process {
  readonly pid: number;
  /** The process that started it. */
  readonly parent: number;
  /** Its command line. */
  readonly args: string;
}

/** All processes, but for those that have ended and wait for their parent to notice. */
export function processes(): Process[] {
  const args = ["-A", "-o", "pid=,ppid=,stat=,args="];
  const { stdout } = new Deno.Command("ps", { args }).outputSync();
  return new TextDecoder().decode(stdout).split("\n").flatMap((line) => {
    const [, pid, parent, state, args = ""] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (state === undefined || state.startsWith("Z")) return [];
    return [{ pid: Number(pid), parent: Number(parent), args }];
  });
}

/** Whether a process runs. */
export function isRunning(pid: number): boolean {
  return processes().some((each) => each.pid === pid);
}

/** The process that started a process. */
export function parentOf(pid: number): number | undefined {
  return processes().find((each) => each.pid === pid)?.parent;
}

/** The processes that a process has started and whose command line holds a text. */
export function childrenOf(pid: number, text: string): number[] {
  return processes()
    .filter(({ parent, args }) => parent === pid && args.includes(text))
    .map((each) => each.pid);
}

/** The processes that a process has started, those that these have started, and so on. */
export function descendantsOf(pid: number): number[] {
  const all = processes();
  const found = [pid];
  // What is found is looked through as well.
  for (const each of found) {
    found.push(...all.filter(({ parent }) => parent === each).map((child) => child.pid));
  }
  return found.slice(1);
}

/** Ends a process, if it is still there. */
export function killIfThere(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
