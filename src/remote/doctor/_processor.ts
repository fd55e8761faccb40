/** Machines by the number in the header of an ELF file (System V ABI, e_machine). */
const ELF_MACHINES: Readonly<Record<number, string>> = {
  0x03: "i686",
  0x16: "s390x",
  0x15: "ppc64le",
  0x28: "armv7l",
  0x3e: "x86_64",
  0xb7: "aarch64",
  0xf3: "riscv64",
};

/** Machines by the type in the header of a Mach-O file. */
const MACH_MACHINES: Readonly<Record<number, string>> = {
  0x01000007: "x86_64",
  0x0100000c: "arm64",
};

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
