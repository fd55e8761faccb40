import assert from "node:assert";
import { arch, platform } from "node:process";
import { processorOf } from "../../src/remote/doctor/_processor.ts";

const HEADS: readonly [label: string, head: string, processor: string | undefined][] = [
  ["ELF, x86_64", "7f 45 4c 46 02 01 01 00 00 00 00 00 00 00 00 00 03 00 3e 00", "Linux x86_64"],
  ["ELF, aarch64", "7f 45 4c 46 02 01 01 00 00 00 00 00 00 00 00 00 02 00 b7 00", "Linux aarch64"],
  ["ELF, s390x", "7f 45 4c 46 02 02 01 00 00 00 00 00 00 00 00 00 00 02 00 16", "Linux s390x"],
  ["ELF, unknown", "7f 45 4c 46 02 01 01 00 00 00 00 00 00 00 00 00 03 00 ff ff", undefined],
  ["Mach-O, arm64", "cf fa ed fe 0c 00 00 01 00 00 00 00 02 00 00 00 13 00 00 00", "Darwin arm64"],
  [
    "Mach-O, x86_64",
    "cf fa ed fe 07 00 00 01 03 00 00 00 02 00 00 00 13 00 00 00",
    "Darwin x86_64",
  ],
  ["a script", "23 21 2f 62 69 6e 2f 73 68 0a 65 78 65 63 20 66 6f 6f 0a 0a", undefined],
  ["a short file", "7f 45 4c 46", undefined],
  ["nothing", "", undefined],
];

for (const [label, head, processor] of HEADS) {
  Deno.test(`processorOf() reads the head of ${label}`, () => {
    assert.equal(processorOf(head), processor);
    // As od prints it, in lines.
    assert.equal(processorOf(` ${head.slice(0, 47)}\n ${head.slice(48)}\n`), processor);
  });
}

Deno.test(
  "processorOf() knows the machine that this runs on",
  { ignore: platform !== "linux" },
  () => {
    using file = Deno.openSync(Deno.execPath());
    const bytes = new Uint8Array(20);
    file.readSync(bytes);
    const head = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const machines: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };
    assert.equal(processorOf(head), `Linux ${machines[arch]}`);
  },
);
