/**
 * Faults that keep a connection from being made.
 *
 * @module
 */

import assert from "node:assert";
import { dirname, join } from "node:path";
import { quoteWord } from "../../src/remote/ssh_command.ts";
import { findProgram, requirement } from "../_require.ts";
import { assertClean, assertWorks, type Fault, testFaults } from "./_fault.ts";
import { Lines } from "./_lines.ts";
import { PROGRAM, Site } from "./_site.ts";
import { HAS_SSHD, makeKey } from "./_sshd.ts";

const ignore = !HAS_SSHD;

const CONNECTION = { name: "RemoteConnectionError", code: "REMOTE_CONNECTION" };
const DOCTOR = '"fleche remote doctor HOST" tells which step fails$';
const INSTALL = '"fleche remote install HOST" puts fleche there, ';

/** A program of the far side that serves. */
const SERVE = `exec ${PROGRAM.map(quoteWord).join(" ")} "$@"`;

// What ssh itself says.
function ofSsh(stderr: RegExp): Fault["told"] {
  const message = new RegExp(
    `^The connection to HOST ended before it was ready \\(exit code 255\\)\n[^]+\n` +
      `That is of ssh itself: ${DOCTOR}`,
  );
  return { ...CONNECTION, message, exitCode: 255, stderr };
}

// Settings of ssh that are wrong until they are mended.
function settings(text: string): Fault["arrange"] {
  return ({ sshd }) => {
    const path = join(sshd.folder, "config");
    Deno.writeTextFileSync(path, `${text}\n`);
    const mend = () => Deno.writeTextFileSync(path, "");
    return { options: { sshOptions: ["-F", path] }, mend };
  };
}

// A file whose text is wrong until it is mended.
function replaced(path: string, text: string) {
  const before = Deno.readTextFileSync(path);
  Deno.writeTextFileSync(path, text);
  return { mend: () => Deno.writeTextFileSync(path, before) };
}

// A program there that is wrong until it is mended.
function program(script: string): Fault["arrange"] {
  return (site) => {
    const command = [site.script("program", script)];
    return { options: { command }, mend: () => void site.script("program", SERVE) };
  };
}

testFaults([
  {
    label: "the name of the host is unknown",
    arrange: settings("HostName no-such-host.invalid"),
    told: ofSsh(/^ssh: Could not resolve hostname no-such-host\.invalid: /),
  },
  {
    label: "nobody listens there",
    arrange: settings("HostName 127.0.0.2"),
    told: ofSsh(/^ssh: connect to host 127\.0\.0\.2 port \d+: Connection refused$/),
  },
  {
    label: "the host key is unknown",
    arrange: ({ sshd }) => replaced(join(sshd.folder, "known_hosts"), ""),
    told: ofSsh(/Host key verification failed\.$/),
  },
  {
    label: "the host key has changed",
    arrange: async ({ sshd }) => {
      const line = await makeKey(join(sshd.folder, "other_key"));
      return replaced(join(sshd.folder, "known_hosts"), `fleche-test ${line}`);
    },
    told: ofSsh(/REMOTE HOST IDENTIFICATION HAS CHANGED[^]*Host key verification failed\.$/),
  },
  {
    label: "the key is refused",
    arrange: ({ sshd }) => replaced(join(sshd.folder, "authorized_keys"), ""),
    told: ofSsh(/Permission denied \(publickey\)\.$/),
  },
  {
    label: "the program is missing there",
    arrange: (site) => {
      const mend = () => {
        Deno.mkdirSync(site.path("bin"));
        site.script("bin/fleche", SERVE);
      };
      return { options: { command: ["~/bin/fleche"] }, mend };
    },
    told: {
      ...CONNECTION,
      message: new RegExp(
        `^The connection to HOST ended before it was ready \\(exit code 127\\)\n.*not found\n` +
          `A program is not there: ${INSTALL}${DOCTOR}`,
      ),
      exitCode: 127,
      stderr: /bin\/fleche: not found$/,
    },
  },
  {
    label: "the program may not be run there",
    arrange: (site) => {
      const command = [site.script("program", SERVE)];
      Deno.chmodSync(site.path("program"), 0o644);
      return { options: { command }, mend: () => Deno.chmodSync(site.path("program"), 0o755) };
    },
    told: {
      ...CONNECTION,
      message: new RegExp(
        `^The connection to HOST ended before it was ready \\(exit code 126\\)\n.*\n` +
          `A program there cannot be run: ${DOCTOR}`,
      ),
      exitCode: 126,
      stderr: /program: Permission denied$/,
    },
  },
  {
    label: "a setup command fails",
    arrange: (site) => {
      Deno.writeTextFileSync(site.path("setup"), "echo no such module >&2; exit 42");
      const mend = () => Deno.writeTextFileSync(site.path("setup"), ":");
      return { options: { setupCommands: ["echo first", ". ~/setup"] }, mend };
    },
    told: {
      ...CONNECTION,
      message: /^The connection to HOST ended before it was ready \(exit code 42\)\nfirst\n/,
      exitCode: 42,
      stderr: /^first\nno such module\nfleche: failed: \. ~\/setup$/,
    },
  },
  {
    label: "the folder to work in is missing",
    arrange: (site) => {
      return { options: { workdir: "~/work" }, mend: () => Deno.mkdirSync(site.path("work")) };
    },
    told: {
      ...CONNECTION,
      message: /^The connection to HOST ended before it was ready \(exit code 2\)\n/,
      exitCode: 2,
      stderr: /\nfleche: failed: cd ~\/work$/,
    },
  },
  {
    label: "a login script prints too much",
    sshd: { forceCommand: "sh ~/login" },
    arrange: (site) => {
      const go = 'exec sh -c "$SSH_ORIGINAL_COMMAND"';
      site.script("login", `echo Welcome; head -c 70000 /dev/zero | tr '\\0' x; ${go}`);
      return { mend: () => void site.script("login", `echo Welcome; ${go}`) };
    },
    told: {
      ...CONNECTION,
      message: /^The connection to HOST printed too much\nIt printed: "Welcome\\nx{492}"$/,
    },
  },
  {
    label: "something else answers",
    arrange: program("printf 'Last login: today\\n\\000\\377'; exit 3"),
    told: {
      ...CONNECTION,
      message: /^[^\n]+ ready \(exit code 3\)\nIt printed: "Last login: today\\n\\u0000\ufffd"$/,
      exitCode: 3,
    },
  },
  {
    label: "something else answers and stays",
    arrange: (site) => {
      const command = [site.script("program", "echo Password:; exec cat >/dev/null")];
      const mend = () => void site.script("program", SERVE);
      return { options: { command, connectTimeout: 1 }, mend };
    },
    told: {
      ...CONNECTION,
      message:
        /^[^\n]+ was given up: it was not ready after 1 second\nIt printed: "Password:\\n"\n"fleche remote doctor .*$/,
    },
  },
  {
    label: "the program there speaks a newer protocol",
    arrange: program("printf '\\nfleche/2 9.8.7\\n'; exec cat >/dev/null"),
    told: {
      ...{ name: "ProtocolError", code: "PROTOCOL" },
      message: /^Cannot talk to fleche 9\.8\.7 on HOST: it speaks protocol 2, this one 1: install/,
    },
  },
  {
    label: "the configuration there does not know the cache",
    arrange: (site) => {
      const path = site.path(".config", "fleche", "cache.toml");
      const text = Deno.readTextFileSync(path);
      const mend = () => Deno.writeTextFileSync(path, text.replaceAll("shared", "shred"));
      return { options: { cacheName: "shred" }, mend };
    },
    told: {
      ...CONNECTION,
      message: /^The connection to HOST ended before it was ready \(exit code 1\)\n/,
      exitCode: 1,
      stderr: /There is no cache "shred".*did you mean "shared"/,
    },
  },
  {
    label: "a forced command serves another cache",
    sshd: { forceCommand: "sh ~/login" },
    arrange: (site) => {
      site.script("login", `set -- remote --serve --cache shared; ${SERVE}`);
      const mend = () => void site.script("login", 'exec sh -c "$SSH_ORIGINAL_COMMAND"');
      return { options: { cacheName: "own" }, mend };
    },
    told: {
      ...{ name: "ConfigError", code: "BAD_CONFIG" },
      message: /^Cannot use the cache "own" on HOST: it serves the cache "shared" only$/,
    },
  },
], { ignore });

Deno.test("SshCache says so if there is no ssh, and recovers", { ignore }, async () => {
  await using site = await Site.start();
  const env = { PATH: site.path("bin") };
  const config = site.config({ cache_name: "own" });
  const child = site.start("recover", config, { env, stdin: "piped", stderr: "inherit" });
  await using lines = new Lines(child.stdout);
  const { name, message, data } = await lines.next();
  assert.equal(name, "RemoteConnectionError");
  assert.equal(
    message,
    `Cannot reach ${site.sshd.host}: there is no program "ssh" here: install OpenSSH`,
  );
  assert.deepEqual(data, { host: site.sshd.host, stderr: [] });
  Deno.mkdirSync(site.path("bin"));
  Deno.symlinkSync(findProgram("ssh") ?? "", site.path("bin", "ssh"));
  await child.stdin.close();
  assert.equal((await lines.next())["cacheName"], "own");
  assert((await child.status).success);
});

/** Shells that accounts have, each with the file that it reads when it starts. */
const SHELLS: readonly [shell: string, file: string, variable: string][] = [
  ["tcsh", ".tcshrc", "setenv STARTED yes"],
  ["csh", ".cshrc", "setenv STARTED yes"],
  ["fish", ".config/fish/config.fish", "set -x STARTED yes"],
  ["zsh", ".zshenv", "export STARTED=yes"],
];

Deno.test("SshCache works where setup commands read and print", { ignore }, async () => {
  await using site = await Site.start();
  await using cache = site.cache({ setupCommands: ["cat >~/swallowed", "echo fleche/1 x"] });
  await assertWorks(cache);
  assert.equal(Deno.readTextFileSync(site.path("swallowed")), "");
});

for (const [shell, file, variable] of SHELLS) {
  const reason = `the shell is not there: install ${shell}`;
  const hasShell = requirement(shell, findProgram(shell) !== undefined, reason);
  Deno.test(
    `SshCache works where the shell of the account is ${shell}, which prints something`,
    { ignore: ignore || !hasShell },
    async () => {
      const forceCommand = `${shell} -c "$SSH_ORIGINAL_COMMAND"`;
      await using site = await Site.start({ forceCommand });
      Deno.mkdirSync(dirname(site.path(file)), { recursive: true });
      Deno.writeTextFileSync(site.path(file), `echo hello\n${variable}\n`);
      const setupCommands = ['test "$STARTED" = yes', 'test "$TWO" = "it\'s"'];
      await using cache = site.cache({ setupCommands, env: { TWO: "it's" }, workdir: "~" });
      await assertWorks(cache);
      await assertClean(site);
    },
  );
}
