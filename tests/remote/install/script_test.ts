import assert from "node:assert/strict";
import { join } from "node:path";
import { findProgram, requirement } from "../../_require.ts";
import { inTime, until } from "../_wait.ts";
import {
  endOf,
  filesBelow,
  PROGRAM,
  runScript,
  sha256,
  startScript,
  withHome,
} from "./_script_run.ts";

const FLECHE = "bin/fleche";

function put(home: string, name: string, content: Uint8Array | string): string {
  const path = join(home, "bin", name);
  Deno.mkdirSync(join(home, "bin"), { recursive: true });
  if (typeof content === "string") Deno.writeTextFileSync(path, content);
  else Deno.writeFileSync(path, content);
  return path;
}

function contentOf(home: string, name = FLECHE): string {
  return Deno.readTextFileSync(join(home, name));
}

const TEXT = new TextDecoder().decode(PROGRAM);

for (const shell of ["sh", "dash", "bash", "zsh", "csh", "tcsh", "fish"]) {
  const reason = `the shell is not there: install ${shell}`;
  const ignore = !requirement(shell, findProgram(shell) !== undefined, reason);

  Deno.test(
    `installCommand() installs through ${shell}, at any path`,
    { ignore },
    () =>
      withHome(async (home) => {
        const paths: [given: string, place: string][] = [
          ["bin/fleche", "bin/fleche"],
          ["~/one", "one"],
          ['~/.local/it\'s a "$x" `y` !z\\/-f*', '.local/it\'s a "$x" `y` !z\\/-f*'],
          ["-x/--help", "-x/--help"],
          [join(home, "absolute"), "absolute"],
        ];
        for (const [path, place] of paths) {
          const options = { home, shell, path };
          const { code, report, said, stderr } = await runScript("copy 0\n", {
            ...options,
            input: PROGRAM,
          });
          assert.deepEqual([code, said, stderr], [0, ["version 1.2.3"], ""], path);
          assert.equal(report?.path.replaceAll("//", "/"), join(home, place));
          assert.equal(contentOf(home, place), TEXT);
          assert.equal((Deno.statSync(join(home, place)).mode ?? 0) & 0o777, 0o755);
        }
        assert.deepEqual(filesBelow(home), paths.map(([, place]) => place).sort());
      }),
  );
}

Deno.test("installCommand() reports the machine and what is there, and writes nothing", () =>
  withHome(async (home) => {
    const uname = (option: string) =>
      new TextDecoder().decode(new Deno.Command("uname", { args: [option] }).outputSync().stdout)
        .trim();
    const { code, report, said } = await runScript("", { home });
    assert.equal(code, 0);
    assert.deepEqual(said, []);
    assert.deepEqual(report, {
      system: uname("-s"),
      machine: uname("-m"),
      libc: report?.libc,
      path: join(home, FLECHE),
      hasDigests: true,
      obstacle: undefined,
      target: undefined,
      part: undefined,
    });
    assert.deepEqual(filesBelow(home), []);
    put(home, "fleche", PROGRAM);
    put(home, "fleche.part", PROGRAM.subarray(0, 5));
    const second = (await runScript("", { home })).report;
    assert.equal(second?.target, sha256(PROGRAM));
    assert.deepEqual(second?.part, { size: 5, digest: sha256(PROGRAM.subarray(0, 5)) });
    // What is longer than the program is no beginning of it, and no program of another length is it.
    put(home, "fleche", "longer than the program is");
    put(home, "fleche.part", "longer than the program is");
    const third = (await runScript("", { home })).report;
    assert.deepEqual([third?.target, third?.part, third?.obstacle], [
      undefined,
      undefined,
      undefined,
    ]);
    assert.equal((await runScript("", { home, path: "bin" })).report?.obstacle, "directory");
    assert.equal((await runScript("", { home, path: "/dev/null" })).report?.obstacle, "special");
  }));

Deno.test("installCommand() tells glibc from others", () =>
  withHome(async (home) => {
    const tools = put(home, "ldd", "#!/bin/sh\necho 'musl libc (x86_64)' >&2; exit 1\n");
    put(home, "getconf", "#!/bin/sh\nexit 1\n");
    for (const name of ["ldd", "getconf"]) Deno.chmodSync(join(home, "bin", name), 0o755);
    const searchPath = `${join(tools, "..")}:${Deno.env.get("PATH")}`;
    assert.deepEqual((await runScript("", { home, searchPath })).report?.libc, { name: "musl" });
    put(home, "ldd", "#!/bin/sh\necho 'ldd (GNU libc) 2.31'\n");
    assert.deepEqual((await runScript("", { home, searchPath })).report?.libc, {
      name: "glibc",
      version: "2.31",
    });
    put(home, "ldd", "#!/bin/sh\necho 'no such thing' >&2; exit 1\n");
    assert.equal((await runScript("", { home, searchPath })).report?.libc, undefined);
  }));

Deno.test("installCommand() makes digests with what is there", () =>
  withHome(async (home) => {
    const usual = ["sh", "cat", "wc", "tr", "mkdir", "mv", "rm", "chmod", "uname", "getconf"];
    const folder = join(home, "tools");
    Deno.mkdirSync(folder);
    const link = (name: string) => {
      const program = findProgram(name);
      if (program !== undefined) Deno.symlinkSync(program, join(folder, name));
      return program !== undefined;
    };
    usual.forEach(link);
    const options = { home, shell: findProgram("sh") ?? "sh", searchPath: folder };
    assert.equal((await runScript("", options)).report?.hasDigests, false);
    // One that digests cannot be made with verifies nothing.
    const blind = await runScript("copy 0\n", { ...options, input: PROGRAM });
    assert.deepEqual(blind.said, ["failed verify"]);
    // The script that one of them is needs it.
    link("perl");
    for (const tool of ["openssl", "shasum", "sha256sum"]) {
      if (!link(tool)) continue;
      const { report, said } = await runScript("copy 0\n", { ...options, input: PROGRAM });
      assert.equal(report?.hasDigests, true, tool);
      assert.deepEqual(said, ["version 1.2.3"], tool);
      Deno.removeSync(join(folder, tool));
    }
  }));

Deno.test("installCommand() leaves what has arrived if the input ends too early, and goes on from there", () =>
  withHome(async (home) => {
    put(home, "fleche", "old");
    const first = await runScript("copy 0\n", { home, input: PROGRAM.subarray(0, 8) });
    assert.deepEqual([first.code, first.said], [1, ["failed incomplete"]]);
    assert.deepEqual(filesBelow(join(home, "bin")), ["fleche", "fleche.part"]);
    assert.equal(contentOf(home), "old");
    const second = await runScript("copy 8\n", { home, input: PROGRAM.subarray(8) });
    assert.deepEqual(second.report?.part, { size: 8, digest: sha256(PROGRAM.subarray(0, 8)) });
    assert.deepEqual([second.code, second.said], [0, ["version 1.2.3"]]);
    assert.deepEqual(filesBelow(join(home, "bin")), ["fleche"]);
    assert.equal(contentOf(home), TEXT);
  }));

Deno.test("installCommand() leaves what has arrived if nobody listens any more", () =>
  withHome(async (home) => {
    const child = startScript({ home });
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("copy 0\n"));
    await writer.write(PROGRAM.subarray(0, 8));
    await until(() => filesBelow(home).length > 0, "the part");
    await child.stdout.cancel();
    await child.stderr.cancel();
    await writer.close();
    await inTime(child.status, "the end");
    assert.deepEqual(filesBelow(home), ["bin/fleche.part"]);
  }));

Deno.test("installCommand() leaves what has arrived if it is ended", () =>
  withHome(async (home) => {
    const child = startScript({ home });
    const end = endOf(child);
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("copy 0\n"));
    await writer.write(PROGRAM.subarray(0, 8));
    const mine = () => filesBelow(home).filter((name) => /\.part\.\d+$/.test(name));
    await until(() => mine().some((name) => contentOf(home, name).length === 8), "the part");
    child.kill("SIGHUP");
    await writer.close();
    assert.notEqual((await inTime(end, "the end")).code, 0);
    assert.deepEqual(filesBelow(home), ["bin/fleche.part"]);
    assert.equal(contentOf(home, "bin/fleche.part"), TEXT.slice(0, 8));
  }));

Deno.test("installCommand() begins anew beside a part that is of no use", () =>
  withHome(async (home) => {
    put(home, "fleche.part", "something else");
    const { said } = await runScript("copy 0\n", { home, input: PROGRAM });
    assert.deepEqual(said, ["version 1.2.3"]);
    assert.deepEqual(filesBelow(home), [FLECHE]);
    assert.equal(contentOf(home), TEXT);
  }));

Deno.test("installCommand() removes a copy that is not what was to be copied", () =>
  withHome(async (home) => {
    put(home, "fleche", "old");
    put(home, "fleche.part", "#!/bin/xx");
    const { code, said } = await runScript("copy 9\n", { home, input: PROGRAM.subarray(9) });
    assert.deepEqual([code, said], [1, ["failed verify"]]);
    assert.deepEqual(filesBelow(home), [FLECHE]);
    assert.equal(contentOf(home), "old");
  }));

Deno.test("installCommand() keeps two that install at once apart", () =>
  withHome(async (home) => {
    const children = [startScript({ home }), startScript({ home })];
    const ends = children.map(endOf);
    const writers = children.map((child) => child.stdin.getWriter());
    const order = new TextEncoder().encode("copy 0\n");
    for (const writer of writers) await writer.write(order);
    for (const byte of PROGRAM) {
      for (const writer of writers) await writer.write(Uint8Array.of(byte));
    }
    for (const writer of writers) await writer.close();
    for (const end of await Promise.all(ends)) assert.deepEqual(end.said, ["version 1.2.3"]);
    assert.deepEqual(filesBelow(home), [FLECHE]);
    assert.equal(contentOf(home), TEXT);
  }));

Deno.test("installCommand() runs the program before that takes its place", () =>
  withHome(async (home) => {
    put(home, "fleche", "old");
    const bytes = (text: string) => new TextEncoder().encode(text);
    const copy = (text: string, version?: string) =>
      runScript("copy 0\n", {
        ...{ home, program: bytes(text), input: bytes(text) },
        ...version === undefined ? {} : { version },
      });
    // One that does not run here may run another time, as where nothing in the folder may.
    const broken = await copy("#!/bin/sh\necho 'a\nb  c' >&2; exit 3\n");
    assert.deepEqual([broken.code, broken.said], [1, ["status 3", "said a b  c ", "failed run"]]);
    assert.deepEqual(filesBelow(home), [FLECHE, `${FLECHE}.part`]);
    // One that runs and is something else never will.
    const other = await copy("#!/bin/sh\necho something\n");
    assert.deepEqual(other.said, ["status 0", "said something ", "failed run"]);
    assert.equal(contentOf(home), "old");
    const older = await copy(TEXT, "1.2.4");
    assert.deepEqual(older.said, ["status 0", "said 1.2.3 ", "failed run"]);
    assert.equal(contentOf(home), "old");
    assert.deepEqual((await copy(TEXT, "1.2.3")).said, ["version 1.2.3"]);
    assert.equal(contentOf(home), TEXT);
  }));

Deno.test("installCommand() makes what is there executable, and runs it", () =>
  withHome(async (home) => {
    // It is not given what comes from the client.
    const path = put(home, "fleche", "#!/bin/sh\ncat; echo 1.2.3\n");
    Deno.chmodSync(path, 0o644);
    const { code, said } = await runScript("keep\n", { home, input: PROGRAM });
    assert.deepEqual([code, said], [0, ["version 1.2.3"]]);
    assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o755);
  }));

Deno.test("installCommand() says which step failed", () =>
  withHome(async (home) => {
    put(home, "fleche", "old");
    const below = await runScript("copy 0\n", { home, path: "bin/fleche/x", input: PROGRAM });
    assert.deepEqual([below.code, below.said], [1, ["failed folder"]]);
    assert.match(below.stderr, /^mkdir: .*\n$/);
    const full = await runScript("copy 0\n", {
      home,
      path: "/dev/full/x",
      input: PROGRAM,
    });
    assert.deepEqual(full.said, ["failed folder"]);
    // What was reported can be gone.
    const gone = await runScript("copy 4\n", { home, input: PROGRAM });
    assert.deepEqual(gone.said, ["failed part"]);
    // A place that has become a folder meanwhile is not moved into.
    Deno.mkdirSync(join(home, "folder"));
    const folder = await runScript("copy 0\n", { home, path: "folder", input: PROGRAM });
    assert.deepEqual(folder.said, ["failed rename"]);
    assert.deepEqual(filesBelow(home), [FLECHE, "folder.part"]);
  }));
