/**
 * What processes have used, after proc(5) of Linux.
 *
 * @module
 */

/** Ticks per second in which Linux counts the time of processes. */
const TICKS = 100;

/** Time that a processor has spent, in seconds. */
export interface ProcessorTime {
  readonly user: number;
  readonly system: number;
  /** How much of both is the main thread's. */
  readonly main: number;
}

/** The most memory that a process has had since {@linkcode resetPeak}, in bytes. */
export function peakMemory(pid: number): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(read(pid, "status")) ?? [];
  return Number(kilobytes) * 1024;
}

/** Makes the memory that a process has now its most. */
export function resetPeak(pid: number): void {
  Deno.writeTextFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** The time that a process has spent so far. */
export function processorTime(pid: number): ProcessorTime {
  const [user, system] = times(read(pid, "stat"));
  const [mainUser, mainSystem] = times(read(pid, `task/${pid}/stat`));
  return { user, system, main: mainUser + mainSystem };
}

/** The time that the processes have spent that a process has started and seen end, in seconds. */
export function endedTime(pid: number): number {
  const [, , user, system] = times(read(pid, "stat"));
  return user + system;
}

/** The time between two looks. */
export function timeBetween(first: ProcessorTime, second: ProcessorTime): ProcessorTime {
  return {
    user: second.user - first.user,
    system: second.system - first.system,
    main: second.main - first.main,
  };
}

/** The process that started a process. */
export function parentOf(pid: number): number {
  return Number(fields(read(pid, "stat"))[1]);
}

/** The name of a process's program. */
export function nameOf(pid: number): string {
  return read(pid, "comm").trim();
}

/** The processes that a process has started. */
export function childrenOf(pid: number): number[] {
  const words = read(pid, `task/${pid}/children`).trim();
  return words === "" ? [] : words.split(" ").map(Number);
}

function read(pid: number, name: string): string {
  return Deno.readTextFileSync(`/proc/${pid}/${name}`);
}

// The program's name, which comes second, can hold anything.
function fields(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

// User and system time of the process, and of those that it has waited for.
function times(stat: string): [number, number, number, number] {
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields(stat)
    .slice(11, 15)
    .map((ticks) => Number(ticks) / TICKS);
  return [user, system, endedUser, endedSystem];
}
