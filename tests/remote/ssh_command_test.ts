import assert from "node:assert";
import { join } from "node:path";
import fc from "fast-check";
import {
  quoteWord,
  remoteCommand,
  type RemoteCommandOptions,
} from "../../src/remote/ssh_command.ts";
import { findProgram, requirement } from "../_require.ts";

/** What accounts have as their shell; sshd runs a command as `$SHELL -c <command>`. */
const SHELLS = ["sh", "dash", "bash", "zsh", "csh", "tcsh", "fish"];

/** Words that one shell or another reads something into. */
const WORDS = [
  ...["plain", "", " ", "a  b", "\t", "it's", "'", "''", "'\\''", '"', '"q"', "`id`", "``"],
  ...["$HOME", "$", "$$", "${x}", "$(id)", "$'x'", "!", "!!", "!x", "a!", "\\!", "^a^b", "@", "%1"],
  ...[
    "\\",
    "\\\\",
    "a\\",
    "\\n",
    "\\'",
    "a\\'b",
    "\\$",
    "*",
    "?",
    "[a]",
    "{a,b}",
    "~",
    "~/x",
    "~root",
  ],
  ...["#x", ";", "&", "&&", "|", "<", ">", "(", ")", "=ls", "x=y", "-n", "--", "%s", "\r", "\x07"],
  ...["\u007f", "é", "日本", "😀", "x".repeat(5000)],
];

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions extends Partial<RemoteCommandOptions> {
  readonly shell?: string;
  readonly home?: string;
  readonly cwd?: string;
}

// Runs the remote command as sshd does, with something on standard input.
async function run({ shell = "sh", home, cwd, ...options }: RunOptions): Promise<Outcome> {
  const command = remoteCommand({ command: "true", setupCommands: [], env: {}, ...options });
  const child = new Deno.Command(shell, {
    args: ["-c", command],
    ...home === undefined ? {} : { env: { HOME: home } },
    ...cwd === undefined ? {} : { cwd },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  // The program may have ended without reading.
  await writer.write(new TextEncoder().encode("input\n")).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

// A program that prints its arguments, and those that every server gets.
async function printedArguments(words: readonly string[], options: RunOptions = {}) {
  const { stdout, stderr } = await run({ ...options, command: ["printf", "%s\\0", ...words] });
  assert.equal(stderr, "");
  const printed = stdout.split("\0").slice(0, -1);
  assert.deepEqual(printed.splice(words.length), ["remote", "--serve"]);
  return printed;
}

async function withHome(use: (home: string) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir({ prefix: "fleche home's $x-" });
  try {
    await use(home);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

for (const shell of SHELLS) {
  const reason = `the shell is not there: install ${shell}`;
  const ignore = !requirement(shell, findProgram(shell) !== undefined, reason);

  Deno.test(`remoteCommand() passes every word as it is through ${shell}`, { ignore }, async () => {
    assert.deepEqual(await printedArguments(WORDS, { shell }), WORDS);
  });

  Deno.test(
    `remoteCommand() passes words of any characters through ${shell}`,
    { ignore },
    async () => {
      // A line break is taken up below.
      const word = fc.string({ unit: "grapheme" }).filter((text) => !/[\0\n]/.test(text));
      const special = fc.string({ unit: fc.constantFrom(..."'\"\\!$` a~*#;&|<>(){}[]?^%@=-") });
      const words = fc.sample(fc.oneof(word, special), { seed: 5, numRuns: 400 });
      assert.deepEqual(await printedArguments(words, { shell }), words);
    },
  );

  // csh ends a quoted word at the end of the line, whatever the quotes.
  if (!shell.endsWith("csh")) {
    Deno.test(`remoteCommand() passes line breaks through ${shell}`, { ignore }, async () => {
      const words = ["a\nb", "\n", "a\n", "\n\n'\n"];
      assert.deepEqual(await printedArguments(words, { shell }), words);
    });
  }

  Deno.test(`remoteCommand() sets variables through ${shell}`, { ignore }, async () => {
    const names = WORDS.map((_, index) => `V_${index}`);
    const env = Object.fromEntries(names.map((name, index) => [name, WORDS[index] as string]));
    const script = `printf '%s\\0' ${names.map((name) => `"$${name}"`).join(" ")}`;
    const { stdout } = await run({ shell, env, command: ["sh", "-c", script] });
    assert.deepEqual(stdout.split("\0").slice(0, -1), WORDS);
  });

  Deno.test(
    `remoteCommand() finds home through ${shell}`,
    { ignore },
    () =>
      withHome(async (home) => {
        const workdir = 'it\'s a "project" $x!';
        Deno.mkdirSync(join(home, workdir));
        const { stdout } = await run({
          shell,
          home,
          workdir: `~/${workdir}`,
          command: "pwd -P; :",
        });
        assert.equal(stdout.trimEnd(), join(Deno.realPathSync(home), workdir));
      }),
  );
}

Deno.test("quoteWord() gives one word, whatever the text", async () => {
  const list = WORDS.map(quoteWord).join(" ");
  const { stdout } = await new Deno.Command("sh", { args: ["-c", `printf '%s\\0' ${list}`] })
    .output();
  assert.deepEqual(new TextDecoder().decode(stdout).split("\0").slice(0, -1), WORDS);
});

Deno.test("remoteCommand() reads a program that is text as the shell does", async () => {
  const { stdout } = await run({ command: "env LETTERS='a b' printenv LETTERS; :" });
  assert.equal(stdout, "a b\n");
});

Deno.test("remoteCommand() asks for a cache by its name", async () => {
  const { stdout } = await run({ command: ["printf", "%s\\0"], cacheName: "it's mine" });
  assert.deepEqual(stdout.split("\0").slice(0, -1), ["remote", "--serve", "--cache", "it's mine"]);
});

Deno.test("remoteCommand() finds the program of a list in the home directory", () =>
  withHome(async (home) => {
    Deno.mkdirSync(join(home, "my bin"));
    Deno.writeTextFileSync(join(home, "my bin", "fle'che"), '#!/bin/sh\necho "$0: $*"\n', {
      mode: 0o755,
    });
    for (const command of [["~/my bin/fle'che", "~/x"], `~/"my bin/fle'che" '~/x'`]) {
      const { stdout } = await run({ home, command });
      assert.equal(stdout, `${home}/my bin/fle'che: ~/x remote --serve\n`);
    }
  }));

Deno.test("remoteCommand() leaves a ~ that means nothing as it is", () =>
  withHome(async (home) => {
    const folder = await Deno.makeTempDir({ dir: home });
    Deno.mkdirSync(join(folder, "~odd"));
    const { stdout } = await run({ home: folder, workdir: `${folder}/~odd`, command: "pwd; :" });
    assert.equal(stdout.trimEnd(), join(folder, "~odd"));
    const top = await run({ home: folder, workdir: "~", command: "pwd; :" });
    assert.equal(top.stdout.trimEnd(), folder);
  }));

Deno.test("remoteCommand() replaces the shells with the program", async () => {
  const { stdout } = await run({ command: ["sh", "-c", "echo $$; echo $PPID"] });
  const [own, parent] = stdout.split("\n").map(Number);
  assert(own !== undefined && own > 0);
  // The parent is this process: nothing stands between.
  assert.equal(parent, Deno.pid);
});

Deno.test("remoteCommand() works in the folder, then sets up in order, then runs", () =>
  withHome(async (home) => {
    const outcome = await run({
      workdir: home,
      env: { GREETING: "hello" },
      setupCommands: [
        "pwd",
        'echo "$GREETING"',
        "STEP=2; export STEP",
        "say() { echo $STEP; }",
        "say",
      ],
      command: ["sh", "-c", 'echo "$STEP $GREETING"'],
    });
    assert.equal(outcome.stderr, `${home}\nhello\n2\n`);
    assert.equal(outcome.stdout, "2 hello\n");
    assert.equal(outcome.code, 0);
  }));

Deno.test("remoteCommand() keeps its input from what runs before the program", async () => {
  const setupCommands = ["cat", "read line; :"];
  const command = remoteCommand({ command: "sh -c 'echo ready; cat'", setupCommands, env: {} });
  for (let round = 0; round < 20; round++) {
    const child = new Deno.Command("sh", {
      ...{ args: ["-c", command], stdin: "piped", stdout: "piped", stderr: "inherit" },
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const writer = child.stdin.getWriter();
    assert.equal((await reader.read()).value, "ready\n");
    await writer.write(new TextEncoder().encode("input\n"));
    await writer.close();
    assert.equal((await reader.read()).value, "input\n");
    assert.equal((await reader.read()).done, true);
    assert.equal((await child.status).code, 0);
  }
});

Deno.test("remoteCommand() ends what runs before the program when its input ends", async () => {
  const setupCommands = ["echo waiting >&2; while :; do sleep 0.05; done"];
  const child = new Deno.Command("sh", {
    args: ["-c", remoteCommand({ command: "true", setupCommands, env: {} })],
    ...{ stdin: "piped", stdout: "null", stderr: "piped", detached: true },
  }).spawn();
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader.read()).value, "waiting\n");
  await child.stdin.close();
  assert.equal((await child.status).signal, "SIGTERM");
  await reader.cancel();
});

Deno.test("remoteCommand() keeps the output free of what setup commands print", async () => {
  const setupCommands = ["echo one", "echo two >&2", "sh -c 'echo three'", "{ echo four; }"];
  const outcome = await run({ setupCommands, command: "echo five; :" });
  assert.deepEqual(outcome, { code: 0, stdout: "five\n", stderr: "one\ntwo\nthree\nfour\n" });
});

const FAILING: readonly [command: string, code: number][] = [
  ["false", 1],
  ["sh -c 'exit 7'", 7],
  ["no-such-program --at all", 127],
  ["cd /nowhere/at/all", 2],
  ['echo it\\\'s "wrong" `true`; (exit 9)', 9],
  ["true || false; false", 1],
  ["false || exit 5", 5],
];

for (const [command, code] of FAILING) {
  Deno.test(`remoteCommand() ends with the code of ${command}, and names it`, async () => {
    const setupCommands = ["echo before", command, "echo after"];
    const outcome = await run({ setupCommands, command: "echo served; :" });
    assert.equal(outcome.stdout, "");
    assert.match(outcome.stderr, /^before$/m);
    assert.doesNotMatch(outcome.stderr, /^after$/m);
    assert(outcome.stderr.includes(command), outcome.stderr);
    // Shells differ in the code of a failing cd.
    if (command.startsWith("cd")) assert.notEqual(outcome.code, 0);
    else assert.equal(outcome.code, code);
  });
}

const SECRET = "hunter2";

const SECRETIVE: readonly [command: string, named: string][] = [
  [`export TOKEN=${SECRET}; false`, "export TOKEN=<redacted>; false"],
  [`TOKEN='a ${SECRET}' false`, "TOKEN=<redacted> false"],
  [`false --password ${SECRET}`, "false --password <redacted>"],
  [`false -u me:${SECRET} x`, "false -u me:<redacted> x"],
  [`TOKEN=${SECRET}; exit 3`, "TOKEN=<redacted>; exit 3"],
];

for (const [command, named] of SECRETIVE) {
  Deno.test(`remoteCommand() names a command that fails as ${named}`, async () => {
    const { code, stderr } = await run({ setupCommands: [command], command: "echo served; :" });
    assert.notEqual(code, 0);
    assert.equal(stderr, `fleche: failed: ${named}\n`);
  });
}

Deno.test("remoteCommand() ends at a setup command that the shell cannot read", async () => {
  const outcome = await run({ setupCommands: ["if then"], command: "echo served; :" });
  assert.equal(outcome.stdout, "");
  assert.notEqual(outcome.code, 0);
  assert.notEqual(outcome.stderr, "");
});

Deno.test("remoteCommand() ends if there is no such folder, and names it", async () => {
  const outcome = await run({
    workdir: "/nowhere/at all",
    setupCommands: ["echo after"],
    command: "echo served; :",
  });
  assert.equal(outcome.stdout, "");
  assert.notEqual(outcome.code, 0);
  assert.match(outcome.stderr, /cd \/nowhere\/at all/);
  assert.doesNotMatch(outcome.stderr, /after/);
});

Deno.test("remoteCommand() takes a folder that begins with a dash", () =>
  withHome(async (home) => {
    Deno.mkdirSync(join(home, "-P"));
    const { stdout } = await run({ cwd: home, workdir: "-P", command: "pwd; :" });
    assert.equal(stdout.trimEnd(), join(home, "-P"));
  }));

for (const name of ["", "1A", "A-B", "A B", "A=B", "$(id)", "é"]) {
  Deno.test(`remoteCommand() refuses ${JSON.stringify(name)} as the name of a variable`, () => {
    const env = { [name]: "x" };
    assert.throws(() => remoteCommand({ command: "true", setupCommands: [], env }), TypeError);
  });
}

Deno.test("remoteCommand() refuses a program without words", () => {
  for (const command of ["", "  ", []]) {
    assert.throws(() => remoteCommand({ command, setupCommands: [], env: {} }), TypeError);
  }
});
