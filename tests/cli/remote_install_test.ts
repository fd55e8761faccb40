import assert from "node:assert/strict";
import { join } from "node:path";
import { parse } from "smol-toml";
import { VERSION } from "../../src/version.ts";
import { findProgram, requirement } from "../_require.ts";
import { elfFile } from "../remote/install/_elf.ts";
import { filesBelow } from "../remote/install/_script_run.ts";
import { LinkProxy } from "../remote/_link_proxy.ts";
import { CLI, requiredProgram } from "../remote/_program.ts";
import { HAS_SSHD } from "../remote/_sshd.ts";
import { inTime, isRunning, isThere, type Process, processes, until } from "../remote/_wait.ts";
import { FarAccount } from "./_far_account.ts";

const { binary, isThere: isCompiled } = await requiredProgram();
const ignore = !HAS_SSHD || !isCompiled;

const FLECHE = ".local/bin/fleche";
const INSTALL = [binary, "remote", "install", "cluster"];

/** What is printed for the configuration. */
const TABLE = '[cluster]\ntype = "ssh"\nhost = "cluster"\ncommand = [ "~/.local/bin/fleche" ]\n';

const PUT = "fleche: put this into your fleche.toml:\n";

// How long the program is, as people read it.
const SIZE = isCompiled ? `${(Deno.statSync(binary).size / 2 ** 20).toFixed(0)} MiB` : "";

function assertSame(path: string): void {
  assert.equal(new Deno.Command("cmp", { args: ["-s", path, binary] }).outputSync().code, 0);
}

Deno.test(
  "fleche remote install copies the program to an empty home in one login, and prints the table",
  {
    ignore,
  },
  async () => {
    await using far = await FarAccount.start();
    await using link = new LinkProxy(far.sshd.port);
    far.lead("linked", link.port);
    const { code, text, stderr } = await far.run([binary, "remote", "install", "linked"]);
    assert.equal(
      stderr,
      `fleche: copying ${SIZE} to linked\n` +
        `fleche: version ${VERSION} is there now: ${far.path(FLECHE)} on linked\n${PUT}`,
    );
    assert.deepEqual([code, text], [0, TABLE.replaceAll("cluster", "linked")]);
    assert.deepEqual(filesBelow(far.sshd.home), [FLECHE]);
    assert.equal((Deno.statSync(far.path(FLECHE)).mode ?? 0) & 0o777, 0o755);
    assertSame(far.path(FLECHE));
    assert.equal(link.accepted, 1);

    // It is there, so nothing is sent again.
    const sent = link.bytes("up");
    const again = await far.run([binary, "remote", "install", "linked", "--json"]);
    assert.equal(
      again.stderr,
      `fleche: version ${VERSION} was there already: ${far.path(FLECHE)} on linked\n`,
    );
    assert.equal(again.code, 0);
    const { sha256, size, found, ...rest } = JSON.parse(again.text);
    assert.match(sha256, /^[0-9a-f]{64}$/);
    assert.deepEqual([found, size], [size, Deno.statSync(binary).size]);
    assert.deepEqual(rest, {
      ...{ host: "linked", path: far.path(FLECHE), version: VERSION, name: "linked" },
      config: { type: "ssh", host: "linked", command: ["~/.local/bin/fleche"] },
    });
    assert(link.bytes("up") - sent < 100_000);
  },
);

Deno.test("fleche remote install prints what leads to a place of one's own, whatever its name", {
  ignore,
}, async () => {
  // The account's shell is another one, and a login script prints something.
  const shell = findProgram("tcsh") ?? "sh";
  const forceCommand = `printf 'Welcome!\\nNo newline'; exec ${shell} -c "$SSH_ORIGINAL_COMMAND"`;
  await using far = await FarAccount.start({ forceCommand });
  const path = '~/it\'s a "$x"/-fleche';
  const more = ["--ssh-option", "-o", "--ssh-option", "Compression=no", "--cache", "shared"];
  const { code, text } = await far.run([...INSTALL, "--path", path, ...more]);
  assert.equal(code, 0);
  const table = {
    ...{ type: "ssh", host: "cluster", cache_name: "shared" },
    command: [path],
    ssh_options: ["-o", "Compression=no"],
  };
  assert.deepEqual(structuredClone(parse(text)), { cluster: table });
  assertSame(far.path('it\'s a "$x"/-fleche'));
  // The printed table is all it takes.
  Deno.mkdirSync(far.path(".config/fleche"), { recursive: true });
  Deno.writeTextFileSync(
    far.path(".config/fleche/cache.toml"),
    '[shared]\ntemplate = "file"\nroot = "~/shared"\n',
  );
  Deno.writeTextFileSync(join(far.home, "fleche.toml"), text);
  const listed = await far.run([binary, "ls", "--cache", "cluster"]);
  assert.equal(listed.code, 0, listed.stderr);
});

Deno.test("fleche remote install goes on where it was broken off, and leaves nothing running", {
  ignore,
}, async () => {
  await using far = await FarAccount.start();
  await using link = new LinkProxy(far.sshd.port);
  far.lead("linked", link.port);
  const words = [binary, "remote", "install", "linked", "--path", far.path(FLECHE)];
  const part = far.path(`${FLECHE}.part`);
  let kept = 0;
  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    const before = link.bytes("up");
    const child = far.start(words);
    const output = child.output();
    await until(() => link.bytes("up") - before > 20 << 20, "some of the copy");
    link.stall();
    child.kill(signal);
    await inTime(output, "the end");
    link.resume();
    // Nothing of it runs any more, neither here nor there.
    const isOfIt = ({ args }: Process) => args.includes(far.sshd.home);
    await until(() => !processes().some(isOfIt), "the end of all processes");
    assert.deepEqual(filesBelow(far.sshd.home), [`${FLECHE}.part`], signal);
    const { size } = Deno.statSync(part);
    assert(size > kept, `${size} bytes after ${kept}`);
    kept = size;
  }
  const sent = link.bytes("up");
  const { code, stderr } = await far.run(words);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /is there now; \d+ MiB of it had come before: /);
  assertSame(far.path(FLECHE));
  assert.deepEqual(filesBelow(far.sshd.home), [FLECHE]);
  assert(link.bytes("up") - sent < Deno.statSync(binary).size - kept + (1 << 20));
});

Deno.test("fleche remote install says that the connection was lost, and keeps what has arrived", {
  ignore,
}, async () => {
  await using far = await FarAccount.start();
  await using link = new LinkProxy(far.sshd.port);
  far.lead("linked", link.port);
  const child = far.start([binary, "remote", "install", "linked"]);
  const output = child.output();
  await until(() => link.bytes("up") > 20 << 20, "some of the copy");
  link.cut();
  const { code, stdout, stderr } = await inTime(output, "the end");
  assert.deepEqual([code, stdout.length], [1, 0]);
  assert.match(
    new TextDecoder().decode(stderr),
    /^fleche: copying .* to linked\nfleche: The connection to linked was lost \(exit code 255\)\n[^]*\nWhat has arrived is kept there, and the next attempt goes on from it\n$/,
  );
  await until(() => isThere(far.path(`${FLECHE}.part`)), "the part that is left");
});

Deno.test("fleche remote install disturbs nobody who runs what was there", { ignore }, async () => {
  await using far = await FarAccount.start();
  Deno.mkdirSync(far.path(".local/bin"), { recursive: true });
  const sleep = findProgram("sleep");
  assert(sleep !== undefined);
  Deno.copyFileSync(sleep, far.path(FLECHE));
  await using old = far.start([far.path(FLECHE), "600"]);
  const { code, stderr } = await far.run(INSTALL);
  assert.equal(code, 0, stderr);
  assertSame(far.path(FLECHE));
  assert(isRunning(old.pid));
  old.kill("SIGKILL");
});

/** A small program, for what ends before it is copied. */
const SMALL = ["--binary", findProgram("true") ?? "true"];

/** What cannot be done, on an account with a file `file` and a folder `folder`. */
const FAILURES: readonly {
  readonly label: string;
  readonly args: readonly string[];
  /** What runs before the command there. */
  readonly login?: string;
  readonly code?: number;
  readonly stderr: RegExp;
  /** What is there afterwards, beside the file. */
  readonly left?: readonly string[];
}[] = [
  {
    label: "on another processor",
    args: ["--binary", "arm"],
    stderr:
      /^fleche: Cannot install on cluster: it runs Linux on \S+, and the program is for Linux on processor 4711: give one for it with --binary\n$/,
  },
  {
    label: "to a folder",
    args: [...SMALL, "--path", "~/folder"],
    stderr:
      /^fleche: Cannot install on cluster: ".*\/folder" is a directory: give the path of the program with --path\n$/,
  },
  {
    label: "to what is no file",
    args: [...SMALL, "--path", "/dev/null"],
    stderr: /"\/dev\/null" is there and no file: give the path of the program with --path\n$/,
  },
  {
    label: "below a file",
    args: [...SMALL, "--path", "file/fleche"],
    stderr:
      /: the folder of ".*\/file\/fleche" cannot be made or written to: choose another with --path\nmkdir: .*\n$/,
  },
  {
    label: "to the home of somebody else",
    args: [...SMALL, "--path", "~other/fleche"],
    stderr: /^fleche: Cannot install to "~other\/fleche": only ~\/ stands for a home directory\n$/,
  },
  {
    label: "to a folder that is only named",
    args: [...SMALL, "--path", "bin/"],
    stderr:
      /^fleche: Cannot install to "bin\/": that is a directory: give the name of the program too\n$/,
  },
  {
    label: "what is no program",
    args: ["--binary", "fleche.toml"],
    stderr: /^fleche: Cannot install "fleche.toml": it is no program for Linux or macOS; .*\n$/,
  },
  {
    label: "what is not there",
    args: ["--binary", "absent"],
    stderr: /^fleche: Cannot install "absent": there is no such file\n$/,
  },
  {
    label: "another program",
    args: [...SMALL],
    stderr: /: the program is not fleche: asked for its version it says ".*"\n$/,
  },
  {
    label: "where nothing makes digests",
    args: [...SMALL],
    login: `t="$HOME"/../tools-there; mkdir "$t"; ` +
      'for n in sh uname wc tr getconf; do ln -s "$(command -v "$n")" "$t"; done; PATH=$t',
    stderr:
      /: there is no sha256sum, shasum or openssl to verify the copy with: install one of them\n$/,
  },
  {
    label: "more than there is room for",
    args: [],
    login: "ulimit -f 4000",
    stderr:
      /: the copy cannot be written: make room, or choose another place with --path\. What has arrived is kept in ".*\/fleche\.part", and the next attempt goes on from there\n/,
    left: [`${FLECHE}.part`],
  },
  {
    label: "where an account only serves",
    args: [...SMALL],
    login: `exec ${binary} remote --serve --cache memory`,
    stderr:
      /^fleche: Cannot install on cluster: the account only serves a cache, whatever it is asked for: log in with another key\n$/,
  },
  {
    label: "on a machine that does not let anybody in",
    args: [...SMALL],
    login: "echo Nobody may log in >&2; exit 3",
    stderr:
      /^fleche: The connection to cluster ended before it was ready \(exit code 3\)\nNobody may log in/,
  },
];

for (const { label, args, login, code = 1, stderr, left = [] } of FAILURES) {
  Deno.test(`fleche remote install does not install ${label}`, { ignore }, async () => {
    const forceCommand = login === undefined
      ? undefined
      : `sh=$(command -v sh); ${login}; exec "$sh" -c "$SSH_ORIGINAL_COMMAND"`;
    await using far = await FarAccount.start(forceCommand === undefined ? {} : { forceCommand });
    Deno.writeTextFileSync(far.path("file"), "");
    Deno.mkdirSync(far.path("folder"));
    Deno.writeTextFileSync(join(far.home, "fleche.toml"), '[default]\ncache = "memory"\n');
    Deno.writeFileSync(join(far.home, "arm"), elfFile({ machine: 4711 }));
    const end = await far.run([...INSTALL, ...args]);
    assert.match(end.stderr.replace(/^fleche: copying .*\n/, ""), stderr);
    assert.deepEqual([end.code, end.text], [code, ""]);
    assert.deepEqual(filesBelow(far.sshd.home), [...left, "file"].sort());
  });
}

Deno.test("fleche remote install wants a compiled program if it is none itself", {
  ignore: !HAS_SSHD,
}, async () => {
  await using far = await FarAccount.start();
  const { code, text, stderr } = await far.run([...CLI, "remote", "install", "cluster"]);
  assert.deepEqual([code, text], [2, ""]);
  assert.match(
    stderr,
    /^error: this fleche runs from its sources: give a compiled one, .*--binary\n/,
  );
});

Deno.test("fleche remote install says that it takes no table of the configuration", {
  ignore: !HAS_SSHD,
}, async () => {
  await using far = await FarAccount.start();
  const config = join(far.home, "fleche.toml");
  const program = join(far.home, "program");
  Deno.writeFileSync(program, elfFile({ machine: 4711 }));
  const words = [...CLI, "remote", "install", "cluster", "--binary", program];
  const note = /^fleche: cluster is taken as a host; that of the table \[cluster\] is me@far: /;
  Deno.writeTextFileSync(config, '[cluster]\ntype = "ssh"\nhost = "me@far"\n');
  assert.match((await far.run(words)).stderr, note);
  // Nothing is said where both mean the same, and nothing is needed of the configuration.
  for (const text of ['[cluster]\ntype = "ssh"\nhost = "cluster"\n', "[cluster\n"]) {
    Deno.writeTextFileSync(config, text);
    assert.match((await far.run(words)).stderr, /^fleche: Cannot install on cluster: /);
  }
});

const script = findProgram("script");
// That of other systems takes other options.
const hasScript = requirement(
  "script",
  Deno.build.os === "linux" && script !== undefined,
  "the program of util-linux is not there",
);

Deno.test("fleche remote install draws a bar on a terminal, and takes it away", {
  ignore: ignore || !hasScript,
}, async () => {
  await using far = await FarAccount.start();
  const { code, text } = await far.run([
    ...[script ?? "", "-qec", `'${binary}' remote install cluster >/dev/null`, "/dev/null"],
  ]);
  assert.equal(code, 0);
  // The end of each drawing clears the rest of the line.
  const drawings = text.split("\r").map((each) => each.replace("\x1b[K", "<"));
  const bars = drawings.filter((each) => each.startsWith("["));
  assert.match(bars[0] ?? "", /^\[\.{24}\] {3}0 % {2}0 B of \d+ MiB<$/);
  assert.match(bars.at(-1) ?? "", /^\[#{24}\] 100 % {2}\d+ MiB of \d+ MiB {2}\d+ MiB\/s<$/);
  assert(drawings.some((each) => each.startsWith("<fleche: version ")), text);
});
