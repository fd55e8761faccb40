/** What a made-up program of Linux is like. */
export interface ElfOptions {
  /** The processor's number; x86-64 by default. */
  readonly machine?: number;
  /** The path of its dynamic linker; none by default. */
  readonly linker?: string;
  /** Versions of symbols that it needs, by the library. */
  readonly versions?: Readonly<Record<string, readonly string[]>>;
}

const HEADER = 64;
const PROGRAM_HEADER = 56;
const SECTION = 64;

/** The headers of an ELF file of 64 bits, as a linker would write them; nothing in it can run. */
export function elfFile(options: ElfOptions = {}): Uint8Array<ArrayBuffer> {
  const { machine = 62, linker, versions = {} } = options;
  const bytes = new Uint8Array(4096);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, machine, true);
  view.setBigUint64(32, BigInt(HEADER), true);
  view.setUint16(54, PROGRAM_HEADER, true);
  view.setUint16(56, linker === undefined ? 1 : 2, true);
  // A part that is loaded stands before the path of the linker.
  view.setUint32(HEADER, 1, true);
  if (linker !== undefined) {
    const entry = HEADER + PROGRAM_HEADER;
    view.setUint32(entry, 3, true);
    view.setBigUint64(entry + 8, 512n, true);
    view.setBigUint64(entry + 32, BigInt(linker.length + 1), true);
    bytes.set(new TextEncoder().encode(linker), 512);
  }
  writeVersions(view, versions);
  return bytes;
}

function writeVersions(
  view: DataView,
  versions: Readonly<Record<string, readonly string[]>>,
): void {
  const [sections, names, needed] = [1024, 2048, 3072];
  view.setBigUint64(40, BigInt(sections), true);
  view.setUint16(58, SECTION, true);
  view.setUint16(60, 3, true);
  section(view, sections + SECTION, { type: 0x6ffffffe, position: needed, link: 2 });
  section(view, sections + 2 * SECTION, { type: 3, position: names, link: 0 });
  let [name, entry] = [1, needed];
  const libraries = Object.values(versions);
  for (const [index, list] of libraries.entries()) {
    const length = 16 + 16 * list.length;
    view.setUint16(entry, 1, true);
    view.setUint16(entry + 2, list.length, true);
    view.setUint32(entry + 8, 16, true);
    view.setUint32(entry + 12, index + 1 < libraries.length ? length : 0, true);
    for (const [place, version] of list.entries()) {
      const auxiliary = entry + 16 + 16 * place;
      view.setUint32(auxiliary + 8, name, true);
      view.setUint32(auxiliary + 12, place + 1 < list.length ? 16 : 0, true);
      new Uint8Array(view.buffer).set(new TextEncoder().encode(version), names + name);
      name += version.length + 1;
    }
    entry += length;
  }
  if (libraries.length === 0) view.setUint16(60, 0, true);
}

function section(
  view: DataView,
  place: number,
  { type, position, link }: { type: number; position: number; link: number },
): void {
  view.setUint32(place + 4, type, true);
  view.setBigUint64(place + 24, BigInt(position), true);
  view.setBigUint64(place + 32, 1024n, true);
  view.setUint32(place + 40, link, true);
}
