/** Names of processors by the number in an ELF file (gABI, e_machine), as `uname -m` calls them. */
export const ELF_MACHINES: Readonly<Record<number, string>> = {
  3: "i686",
  21: "ppc64le",
  22: "s390x",
  40: "armv7l",
  62: "x86_64",
  183: "aarch64",
  243: "riscv64",
};

/** Names of processors by the number in a Mach-O file (mach/machine.h, cpu_type_t). */
export const MACH_MACHINES: Readonly<Record<number, string>> = {
  0x01000007: "x86_64",
  0x0100000c: "arm64",
};
