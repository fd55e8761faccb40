import { ELF_MACHINES, MACH_MACHINES } from "../machines.ts";

/** The first four bytes of files of these formats, as big-endian numbers. */
const ELF = 0x7f454c46;
const MACH_64 = 0xcffaedfe;

/**
 * The system and machine that a program is for, as `uname -s` and `uname -m` call them.
 *
 * @param head its first 20 bytes, in hexadecimal digits with blanks
 * @returns Nothing if it is of no known format, as a script.
 */
export function processorOf(head: string): string | undefined {
  const bytes = head.trim().split(/\s+/).map((each) => Number.parseInt(each, 16));
  if (bytes.length < 20 || bytes.some(Number.isNaN)) return undefined;
  const view = new DataView(Uint8Array.from(bytes).buffer);
  const magic = view.getUint32(0);
  if (magic === ELF) {
    const isLittle = view.getUint8(5) === 1;
    return named("Linux", ELF_MACHINES[view.getUint16(18, isLittle)]);
  }
  if (magic === MACH_64) return named("Darwin", MACH_MACHINES[view.getUint32(4, true)]);
  return undefined;
}

function named(system: string, machine: string | undefined): string | undefined {
  return machine === undefined ? undefined : `${system} ${machine}`;
}
