import { ELF_MACHINES, MACH_MACHINES } from "../machines.ts";
import { FileView, long, textAt } from "./_file_view.ts";
import { InstallError } from "./install_error.ts";

/** The library that a program of Linux is linked to. */
export interface Libc {
  readonly name: "glibc" | "musl";
  /** The version: the oldest that will do, or the one that is there. */
  readonly version?: string;
}

/** Where a program runs. */
export interface Platform {
  /** The operating system, as `uname -s` calls it. */
  readonly system: "Linux" | "Darwin";
  /** The processors, by the names of `uname -m`; more than one in a universal program. */
  readonly machines: readonly string[];
  /** The library; undefined for programs that bring their own, and on macOS. */
  readonly libc?: Libc;
}

/** Program header of the path of the dynamic linker (gABI, PT_INTERP). */
const INTERPRETER = 3;

/** Section of the versions that a program needs of its libraries (LSB, SHT_GNU_verneed). */
const VERSIONS_NEEDED = 0x6ffffffe;

/**
 * Reads from a program where it runs: an ELF file of 64 bits (System V gABI, chapters 4 and 5; LSB
 * 5.0, 10.7 for versions of symbols), or a Mach-O file.
 *
 * @throws {InstallError} If it is no such program.
 */
export function platformOf(path: string): Platform {
  using source = new FileView(path);
  try {
    const magic = source.bytes(0, 8).getUint32(0);
    if (magic === 0x7f454c46) return elfPlatform(source);
    if (magic === 0xcffaedfe) return machPlatform([source.bytes(4, 4).getUint32(0, true)]);
    if (magic === 0xcafebabe) return machPlatform(universalMachines(source));
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const message = `Cannot install "${path}": it is not a whole program`;
    throw new InstallError(message, { step: "program" }, { cause });
  }
  throw new InstallError(
    `Cannot install "${path}": it is no program for Linux or macOS; give one that was compiled`,
    { step: "program" },
  );
}

function elfPlatform(source: FileView): Platform {
  const header = source.bytes(0, 64);
  const number = header.getUint16(18, true);
  const isUsual = header.getUint8(4) === 2 && header.getUint8(5) === 1;
  const machine = isUsual ? ELF_MACHINES[number] : undefined;
  const libc = isUsual ? libcOf(source, header) : undefined;
  return {
    system: "Linux",
    machines: [machine ?? `processor ${number}`],
    ...libc === undefined ? {} : { libc },
  };
}

function libcOf(source: FileView, header: DataView): Libc | undefined {
  const [start, size, count] = [
    long(header, 32),
    header.getUint16(54, true),
    header.getUint16(56, true),
  ];
  for (let index = 0; index < count; index++) {
    const entry = source.bytes(start + index * size, 56);
    if (entry.getUint32(0, true) !== INTERPRETER) continue;
    const linker = textAt(source.bytes(long(entry, 8), long(entry, 32)), 0);
    if (linker.includes("ld-musl")) return { name: "musl" };
    const version = glibcNeeded(source, header);
    return { name: "glibc", ...version === undefined ? {} : { version } };
  }
  return undefined;
}

// The newest version that any symbol asks for; undefined if the program has no sections.
function glibcNeeded(source: FileView, header: DataView): string | undefined {
  const [start, size, count] = [
    long(header, 40),
    header.getUint16(58, true),
    header.getUint16(60, true),
  ];
  const section = (index: number) => source.bytes(start + index * size, 64);
  const content = (entry: DataView) => source.bytes(long(entry, 24), long(entry, 32));
  for (let index = 0; index < count; index++) {
    const entry = section(index);
    if (entry.getUint32(4, true) !== VERSIONS_NEEDED) continue;
    const names = content(section(entry.getUint32(40, true)));
    return versionsIn(content(entry), names)
      .flatMap((name) => /^GLIBC_(\d[\d.]*)$/.exec(name)?.[1] ?? [])
      .reduce((newest, each) => isOlder(newest, each) ? each : newest, "0");
  }
  return undefined;
}

function versionsIn(needed: DataView, names: DataView): string[] {
  const found: string[] = [];
  let [file, nextFile] = [0, 1];
  // Each library has a list of versions; a distance of 0 ends a list.
  while (nextFile !== 0) {
    let auxiliary = file + needed.getUint32(file + 8, true);
    let next = 1;
    while (next !== 0) {
      found.push(textAt(names, needed.getUint32(auxiliary + 8, true)));
      next = needed.getUint32(auxiliary + 12, true);
      auxiliary += next;
    }
    nextFile = needed.getUint32(file + 12, true);
    file += nextFile;
  }
  return found;
}

/** Whether a version, numbers with dots between them, is older than another. */
export function isOlder(version: string, other: string): boolean {
  const [numbers, others] = [version, other].map((text) => text.split(".").map(Number));
  for (let index = 0; index < Math.max(numbers?.length ?? 0, others?.length ?? 0); index++) {
    const difference = (numbers?.[index] ?? 0) - (others?.[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function machPlatform(types: readonly number[]): Platform {
  const machines = types.map((type) => MACH_MACHINES[type] ?? `processor ${type}`);
  return { system: "Darwin", machines };
}

function universalMachines(source: FileView): number[] {
  const count = source.bytes(4, 4).getUint32(0);
  const table = source.bytes(8, count * 20);
  return Array.from({ length: count }, (_, index) => table.getUint32(index * 20));
}
