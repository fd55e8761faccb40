import type { Report } from "./_report.ts";
import { isOlder, type Libc, type Platform } from "./program_file.ts";

/** Names that mean the same processor. */
const ALIASES: Readonly<Record<string, string>> = { amd64: "x86_64", arm64: "aarch64" };

/** Why a program does not run on a machine; undefined if nothing speaks against it. */
export function platformProblem(
  program: Platform,
  { system, machine, libc }: Report,
): string | undefined {
  const there = `${named(system)} on ${machine}`;
  const isSame = program.system === system &&
    program.machines.some((each) => canonical(each) === canonical(machine));
  if (!isSame) {
    const needed = `${named(program.system)} on ${program.machines.join(" or ")}`;
    return `it runs ${there}, and the program is for ${needed}`;
  }
  if (program.libc === undefined || libc === undefined) return undefined;
  if (program.libc.name !== libc.name) {
    return `it has ${libc.name}, and the program needs ${described(program.libc)}`;
  }
  const { version } = program.libc;
  if (version === undefined || libc.version === undefined || !isOlder(libc.version, version)) {
    return undefined;
  }
  return `it has ${described(libc)}, and the program needs ${version} or later`;
}

function canonical(machine: string): string {
  return ALIASES[machine] ?? machine;
}

function named(system: string): string {
  return system === "Darwin" ? "macOS" : system;
}

function described({ name, version }: Libc): string {
  return version === undefined ? name : `${name} ${version}`;
}
