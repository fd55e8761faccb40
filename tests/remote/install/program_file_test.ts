import assert from "node:assert/strict";
import { join } from "node:path";
import { platformProblem } from "../../../src/remote/install/_compare_platform.ts";
import { InstallError } from "../../../src/remote/install/install_error.ts";
import { LocalProgram } from "../../../src/remote/install/local_program.ts";
import {
  isOlder,
  type Libc,
  type Platform,
  platformOf,
} from "../../../src/remote/install/program_file.ts";
import { elfFile } from "./_elf.ts";
import { sha256 } from "./_script_run.ts";

async function withFile<T>(content: Uint8Array, use: (path: string) => T): Promise<T> {
  const path = await Deno.makeTempFile({ prefix: "fleche-program-" });
  try {
    await Deno.writeFile(path, content);
    return use(path);
  } finally {
    await Deno.remove(path);
  }
}

function machFile(magic: number, numbers: readonly number[], littleEndian = true): Uint8Array {
  const view = new DataView(new ArrayBuffer(256));
  view.setUint32(0, magic);
  numbers.forEach((number, index) => view.setUint32(4 + 4 * index, number, littleEndian));
  return new Uint8Array(view.buffer);
}

const GLIBC = "/lib64/ld-linux-x86-64.so.2";

const FILES: readonly [label: string, content: Uint8Array, platform: Platform][] = [
  ["without libraries", elfFile(), { system: "Linux", machines: ["x86_64"] }],
  [
    "for ARM and musl",
    elfFile({ machine: 183, linker: "/lib/ld-musl-aarch64.so.1" }),
    { system: "Linux", machines: ["aarch64"], libc: { name: "musl" } },
  ],
  [
    "for glibc, of several libraries",
    elfFile({
      linker: GLIBC,
      versions: {
        "libm.so.6": ["GLIBC_2.4", "GLIBC_2.29"],
        "libgcc_s.so.1": ["GCC_4.2.0"],
        "libc.so.6": ["GLIBC_2.17", "GLIBC_2.9", "GLIBC_2.2.5", "GLIBC_PRIVATE"],
      },
    }),
    { system: "Linux", machines: ["x86_64"], libc: { name: "glibc", version: "2.29" } },
  ],
  [
    "without sections",
    elfFile({ linker: GLIBC }),
    { system: "Linux", machines: ["x86_64"], libc: { name: "glibc" } },
  ],
  [
    "for a processor without a name",
    elfFile({ machine: 4711 }),
    { system: "Linux", machines: ["processor 4711"] },
  ],
  [
    "for macOS",
    machFile(0xcffaedfe, [0x0100000c]),
    { system: "Darwin", machines: ["arm64"] },
  ],
  [
    "for macOS on both processors",
    machFile(0xcafebabe, [2, 0x01000007, 3, 0, 0, 0, 0x0100000c, 0, 0, 0, 0], false),
    { system: "Darwin", machines: ["x86_64", "arm64"] },
  ],
];

for (const [label, content, platform] of FILES) {
  Deno.test(`platformOf() reads where a program runs: ${label}`, async () => {
    assert.deepEqual(await withFile(content, platformOf), platform);
  });
}

Deno.test("platformOf() knows the program that runs this test", () => {
  const { system, machines } = platformOf(Deno.execPath());
  const { os, arch } = Deno.build;
  assert.equal(system, os === "darwin" ? "Darwin" : "Linux");
  assert(machines.includes(arch) || (arch === "aarch64" && machines.includes("arm64")));
});

Deno.test("platformOf() refuses what is no whole program", async () => {
  const text = new TextEncoder().encode("#!/bin/sh\necho 1.2.3\n");
  const whole = elfFile({ linker: GLIBC, versions: { "libc.so.6": ["GLIBC_2.17"] } });
  const broken: readonly (readonly [content: Uint8Array, message: RegExp])[] = [
    [text, /it is no program for Linux or macOS/],
    [new Uint8Array(0), /it is not a whole program/],
    ...[8, 63, 100, 513, 1030, 2050, 3080].map((length) =>
      [whole.subarray(0, length), /it is not a whole program/] as const
    ),
    [machFile(0xcafebabe, [0xffffffff], false), /it is not a whole program/],
  ];
  for (const [content, message] of broken) {
    await withFile(content, (path) =>
      assert.throws(() => platformOf(path), (error) => {
        assert(error instanceof InstallError);
        assert.equal(error.data.step, "program");
        assert.match(error.message, message);
        return true;
      }));
  }
});

Deno.test("platformOf() refuses tables that lead out of the file", async () => {
  const lost = elfFile({ linker: GLIBC, versions: { "libc.so.6": ["GLIBC_2.17"] } });
  new DataView(lost.buffer).setUint32(3072 + 16 + 12, 0x10000, true);
  await withFile(lost, (path) => assert.throws(() => platformOf(path), InstallError));
});

Deno.test("LocalProgram.open() tells length and digest, and of what is no file", async () => {
  const content = elfFile();
  await withFile(content, (path) => {
    const program = LocalProgram.open(path);
    assert.equal(program.size, content.length);
    assert.equal(program.digest, sha256(content));
    assert.equal(program.digestOfFirst(100), sha256(content.subarray(0, 100)));
    const rest = [...program.chunks(1000)].flatMap((chunk) => [...chunk]);
    assert.deepEqual(rest, [...content.subarray(1000)]);
  });
  const folder = await Deno.makeTempDir();
  try {
    assert.throws(() => LocalProgram.open(folder), /Cannot install ".*": it is not a file$/);
    const absent = join(folder, "absent");
    assert.throws(() => LocalProgram.open(absent), /Cannot install ".*": there is no such file$/);
  } finally {
    await Deno.remove(folder);
  }
});

const VERSIONS: readonly [version: string, other: string, isOlder: boolean][] = [
  ["2.17", "2.17", false],
  ["2.9", "2.17", true],
  ["2.17", "2.9", false],
  ["2.2.5", "2.3", true],
  ["2.2", "2.2.5", true],
  ["2.2.5", "2.2", false],
];

Deno.test("isOlder() compares versions number by number", () => {
  for (const [version, other, older] of VERSIONS) {
    assert.equal(isOlder(version, other), older, `${version} and ${other}`);
  }
});

const PROBLEMS: readonly [
  program: Platform,
  there: [system: string, machine: string, libc?: Libc],
  problem: string | undefined,
][] = [
  [{ system: "Linux", machines: ["x86_64"] }, ["Linux", "x86_64"], undefined],
  [{ system: "Linux", machines: ["x86_64"] }, ["Linux", "amd64", { name: "musl" }], undefined],
  [{ system: "Darwin", machines: ["arm64", "x86_64"] }, ["Darwin", "x86_64"], undefined],
  [{ system: "Linux", machines: ["aarch64"] }, ["Linux", "arm64"], undefined],
  [
    { system: "Linux", machines: ["x86_64"] },
    ["Linux", "aarch64"],
    "it runs Linux on aarch64, and the program is for Linux on x86_64",
  ],
  [
    { system: "Darwin", machines: ["x86_64", "arm64"] },
    ["Linux", "x86_64"],
    "it runs Linux on x86_64, and the program is for macOS on x86_64 or arm64",
  ],
  [
    { system: "Linux", machines: ["x86_64"], libc: { name: "glibc", version: "2.27" } },
    ["Linux", "x86_64", { name: "glibc", version: "2.27" }],
    undefined,
  ],
  [
    { system: "Linux", machines: ["x86_64"], libc: { name: "glibc", version: "2.27" } },
    ["Linux", "x86_64", { name: "glibc", version: "2.17" }],
    "it has glibc 2.17, and the program needs 2.27 or later",
  ],
  [
    { system: "Linux", machines: ["x86_64"], libc: { name: "glibc", version: "2.27" } },
    ["Linux", "x86_64", { name: "musl" }],
    "it has musl, and the program needs glibc 2.27",
  ],
  // What is not known does not keep from trying: the program is run before it takes its place.
  [
    { system: "Linux", machines: ["x86_64"], libc: { name: "glibc", version: "2.27" } },
    ["Linux", "x86_64"],
    undefined,
  ],
];

Deno.test("platformProblem() says why a program does not run on a machine", () => {
  for (const [program, [system, machine, libc], problem] of PROBLEMS) {
    const report = {
      ...{ system, machine, libc, path: "/x", hasDigests: true },
      ...{ obstacle: undefined, target: undefined, part: undefined },
    };
    assert.equal(platformProblem(program, report), problem);
  }
});
