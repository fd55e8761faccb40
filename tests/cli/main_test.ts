import assert from "node:assert";
import { join } from "node:path";
import { CLI, REPOSITORY, requiredProgram } from "../remote/_program.ts";
import { run, withHome } from "./_run.ts";

const { binary, isThere } = await requiredProgram();

const PROGRAMS: readonly [label: string, words: readonly string[], ignore: boolean][] = [
  ["cli.ts", CLI, false],
  ["the compiled program", [binary], !isThere],
];

const WRONG: readonly [args: string[], stderr: RegExp][] = [
  [[], /Usage: fleche/],
  [["fly"], /unknown command 'fly'/],
  [["evct", "1234"], /unknown command 'evct'\n.*Did you mean evict\?/],
  [["--fast"], /unknown option '--fast'/],
  [["remote"], /--serve/],
  [["remote", "--server"], /unknown option '--server'.*\n.*--serve/],
  [["remote", "--serve", "--cache"], /--cache <name>.*argument missing/],
  [["remote", "--serve", "now"], /too many arguments/],
  [["remote", "docter", "cluster"], /unknown command 'docter'\n\(Did you mean doctor\?\)/],
  [["remote", "--cache", "a", "info", "b"], /--serve: put them behind "info"/],
];

for (const [label, words, ignore] of PROGRAMS) {
  Deno.test(`${label} prints its help`, { ignore }, () =>
    withHome(async (home) => {
      const top = await run([...words, "--help"], { home });
      assert.deepEqual([top.code, top.stderr], [0, ""]);
      assert.match(top.text, /^Usage: fleche /);
      const commands = [
        "ls",
        "show",
        "stats",
        "evict",
        "gc",
        "verify",
        "transfer",
        "config",
        "remote",
      ];
      for (const command of commands) assert.match(top.text, new RegExp(`^  ${command} `, "m"));
      assert.match(top.text, /Exit codes: 0 .* 1 .* 2 .* 3 /);
      const remote = await run([...words, "remote", "--help"], { home });
      assert.equal(remote.code, 0);
      for (const option of ["--serve", "--cache <name>", "--read-only"]) {
        assert(remote.text.includes(option));
      }
    }));

  Deno.test(`${label} prints its version`, { ignore }, () =>
    withHome(async (home) => {
      const { version } = JSON.parse(Deno.readTextFileSync(join(REPOSITORY, "deno.json")));
      const { code, text, stderr } = await run([...words, "--version"], { home });
      assert.deepEqual([code, text, stderr], [0, `${version}\n`, ""]);
    }));

  Deno.test(
    `${label} ends with code 2 if the command line is wrong`,
    { ignore },
    () =>
      withHome(async (home) => {
        await Promise.all(WRONG.map(async ([args, expected]) => {
          const { code, text, stderr } = await run([...words, ...args], { home });
          assert.deepEqual([code, text], [2, ""], args.join(" "));
          assert.match(stderr, expected);
          // It tells what is wrong, not where in the program it found out.
          assert.doesNotMatch(stderr, /^\s+at /m);
        }));
      }),
  );

  Deno.test(
    `${label} ends with code 1, and says why, if the work fails`,
    { ignore },
    () =>
      withHome(async (home) => {
        const path = join(home, "fleche.toml");
        Deno.writeTextFileSync(path, '[near]\ntype = "shh"\n');
        const { code, text, stderr } = await run(
          [...words, "remote", "--serve", "--cache", "near"],
          {
            home,
          },
        );
        assert.deepEqual([code, text], [1, ""]);
        assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
        assert(
          stderr.startsWith("fleche: ") && stderr.includes(`${path}, line 2, column 1`),
          stderr,
        );
      }),
  );
}

Deno.test("a device that is full is said to be standard output", () =>
  withHome(async (home) => {
    const words = CLI.map((word) => `'${word}'`).join(" ");
    const { code, stderr } = await run(["sh", "-c", `${words} ls --cache memory >/dev/full`], {
      home,
    });
    assert.deepEqual([code, stderr.trimEnd().split(":").slice(0, 2)], [
      1,
      ["fleche", " Cannot write to standard output"],
    ]);
  }));
