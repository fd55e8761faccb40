import assert from "node:assert";
import type { SshCacheOptions } from "@fleche/core";
import type { DiagnoseOptions } from "../../src/remote/doctor/doctor.ts";
import { loginThatRuns, replaced, stepsOf, withStatus } from "./_doctor.ts";
import { Site } from "./_site.ts";
import { freePort, HAS_SSHD, type SshdOptions } from "./_sshd.ts";
import { processes, until } from "./_wait.ts";

const ignore = !HAS_SSHD;

interface Fault {
  readonly label: string;
  /** How the server differs. */
  readonly server?: SshdOptions;
  /** How the client differs, once the far side is as it should not be. */
  readonly client?: (site: Site) => Partial<SshCacheOptions>;
  /** Words for ssh instead of the right ones. */
  readonly sshOptions?: (site: Site) => string[];
  readonly how?: DiagnoseOptions;
  /** The step that fails. */
  readonly step: string;
  readonly detail: RegExp;
  readonly remedy: RegExp;
}

const SECRET = "hunter2";

// The first bytes of a program for a machine that nobody has here.
const FOREIGN = Uint8Array.from(
  { length: 64 },
  (_, index) => [0x7f, 0x45, 0x4c, 0x46, 2, 2, 1][index] ?? (index === 19 ? 0x16 : 0),
);

const FAULTS: readonly Fault[] = [
  {
    label: "ssh does not know an option",
    client: () => ({ sshOptions: ["-o", "NoSuchOption=1"] }),
    ...{ step: "host", detail: /nosuchoption/i, remedy: /ssh\/config/ },
  },
  {
    label: "nobody listens",
    sshOptions: ({ sshd }) => replaced(sshd.sshOptions, "-p", String(freePort())),
    ...{ step: "connection", detail: /port \d+: nobody listens/, remedy: /port is right/ },
  },
  {
    label: "the login never ends",
    server: { forceCommand: "exec cat" },
    how: { loginTimeout: 1 },
    ...{ step: "login", detail: /did not answer for 1 seconds/, remedy: /asks for something/ },
  },
  {
    label: "the account runs nothing",
    server: { forceCommand: "sh -c 'echo This account is not available; exit 1'" },
    ...{
      step: "login",
      detail: /exit code 1\)\n"This account is not/,
      remedy: /has a shell.*authorized_keys/,
    },
  },
  {
    label: "a login script prints too much",
    server: { forceCommand: loginThatRuns("head -c 70000 /dev/zero | tr \\\\0 x; cat >/dev/null") },
    ...{ step: "login output", detail: /more than 64 KiB/, remedy: /for people only/ },
  },
  {
    label: "the folder is missing",
    client: () => ({ workdir: "~/no/folder" }),
    ...{
      step: "workdir",
      detail: /^cd ~\/no\/folder: failed.*\n.*no\/folder/,
      remedy: /Make the folder/,
    },
  },
  {
    label: "a setup command fails",
    client: () => ({
      setupCommands: ["echo first", `TOKEN=${SECRET} false || (echo no module >&2; exit 42)`],
    }),
    ...{ step: "setup command 2", detail: /TOKEN=<redacted> .*code 42\)\n.*no module/s },
    remedy: /in a shell there/,
  },
  {
    label: "a setup command ends the shell",
    client: () => ({ setupCommands: ["exit 0"] }),
    ...{ step: "setup command 1", detail: /^exit 0: .*exit code 0/, remedy: /in a shell there/ },
  },
  {
    label: "there is no program in PATH",
    client: () => ({ command: "no-such-fleche" }),
    ...{ step: "program", detail: /folders of PATH there/, remedy: /fleche remote install/ },
  },
  {
    label: "there is no program at a path",
    client: () => ({ command: ["~/no such/fleche"] }),
    ...{ step: "program", detail: /at .*\/no such\/fleche$/, remedy: /fleche remote install/ },
  },
  {
    label: "the program is a folder",
    client: () => ({ command: "~/.config" }),
    ...{ step: "program", detail: /\.config is a folder/, remedy: /say where it is.*--path/ },
  },
  {
    label: "the program may not be run",
    client: (site) => {
      Deno.writeTextFileSync(site.path("fleche"), "#!/bin/sh\n", { mode: 0o644 });
      return { command: ["~/fleche"] };
    },
    ...{ step: "program", detail: /fleche may not be run/, remedy: /chmod \+x .*fleche/ },
  },
  {
    label: "the program is for another machine",
    client: (site) => {
      Deno.writeFileSync(site.path("fleche"), FOREIGN, { mode: 0o755 });
      return { command: ["~/fleche"] };
    },
    ...{ step: "program", detail: /for Linux s390x, not for \w+ \w+/, remedy: /program for \w+/ },
  },
  {
    label: "the program lacks what it needs",
    client: (site) => ({ command: [site.script("fleche", "exec ~/no/loader")] }),
    ...{ step: "program", detail: /exit code 127\n.*no\/loader/, remedy: /fleche remote install/ },
  },
  {
    label: "there is no such cache",
    client: () => ({ cacheName: "nowhere" }),
    ...{ step: "greeting", detail: /exit code 1\)\n.*"nowhere"/s, remedy: /fleche config/ },
  },
  {
    label: "the server speaks another protocol",
    client: (site) => ({
      command: [site.script(
        "new",
        '[ "$1" = remote ] || { echo 9.9.9; exit; }; ' +
          "printf '\\nfleche/9 9.9.9\\n'; cat >/dev/null",
      )],
    }),
    ...{ step: "greeting", detail: /9\.9\.9 there speaks protocol 9/, remedy: /same version/ },
  },
  {
    label: "the program does not serve, but prints something",
    client: (site) => ({ command: [site.script("other", "echo 1.2.3")] }),
    ...{
      step: "greeting",
      detail: /exit code 0\)\nIt printed: "1\.2\.3\\n"/,
      remedy: /what it says/,
    },
  },
  {
    label: "the server says nothing",
    client: (site) => ({
      command: [site.script("mute", '[ "$1" = remote ] || { echo 9.9.9; exit; }; cat >/dev/null')],
    }),
    how: { timeout: 3 },
    ...{ step: "greeting", detail: /did not answer for 3 seconds/, remedy: /See what it says/ },
  },
  {
    label: "the calls cannot be opened",
    client: (site) => {
      Deno.mkdirSync(site.path("own", "calls.db"), { recursive: true });
      return {};
    },
    ...{ step: "round trip", detail: /calls\.db/, remedy: /read and written/ },
  },
  {
    label: "values cannot be written",
    client: (site) => {
      Deno.mkdirSync(site.path("own"));
      Deno.writeTextFileSync(site.path("own", "values"), "no folder");
      return {};
    },
    ...{ step: "value of 1 MiB", detail: /own\/values/, remedy: /df, quota/ },
  },
  {
    label: "the cache keeps nothing",
    client: () => ({ cacheName: "void" }),
    ...{ step: "small call", detail: /[0-9a-f]{64}/, remedy: /void/ },
  },
];

for (const { label, server, client, sshOptions, how, step, detail, remedy } of FAULTS) {
  Deno.test(`diagnose() finds that ${label}`, { ignore }, async () => {
    await using site = await Site.start(server);
    const options = site.options(client?.(site));
    if (sshOptions !== undefined) options.sshOptions = sshOptions(site);
    const steps = await stepsOf(options, how);
    assert.deepEqual(withStatus(steps, "failed"), [step], JSON.stringify(steps.at(-1)));
    const last = steps.at(-1);
    assert.equal(last?.status, "failed");
    assert.match(last?.detail ?? "", detail);
    assert.match(last?.remedy ?? "", remedy);
    assert.doesNotMatch(JSON.stringify(steps), new RegExp(SECRET));
  });
}

Deno.test(
  "diagnose() finds that a setup command does not end, and ends it there too",
  { ignore },
  async () => {
    await using site = await Site.start();
    const setupCommands = [`mkfifo ~/pipe; cat ${site.path("pipe")}`];
    const steps = await stepsOf(site.options({ setupCommands }), { timeout: 3 });
    assert.deepEqual(withStatus(steps, "failed"), ["setup command 1"]);
    const { detail = "" } = steps.at(-1) ?? {};
    assert.match(detail, /^mkfifo .*: The connection to .* did not answer for 3 seconds/);
    const isThere = () => processes().some(({ args }) => args.includes(site.path("pipe")));
    await until(() => !isThere(), "the end of the setup command");
  },
);

Deno.test("diagnose() lets a setup command wait for its own", { ignore }, async () => {
  await using site = await Site.start();
  const steps = await stepsOf(site.options({ setupCommands: ["sleep 0.1 & wait"] }));
  assert.deepEqual(withStatus(steps, "failed"), []);
});

// What the program that listens does.
const LISTENERS: readonly [label: string, answer: string, closes: boolean, detail: RegExp][] = [
  ["closes at once", "", true, /closes the connection at once/],
  ["speaks of something else", "x".repeat(9000), false, /is no SSH server/],
  ["says nothing", "", false, /answers, but is silent for 2 seconds/],
];

for (const [label, answer, closes, detail] of LISTENERS) {
  Deno.test(`diagnose() finds that what listens ${label}`, { ignore }, async () => {
    await using site = await Site.start();
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const accepted = listener.accept();
    const options = site.options({ sshOptions: ["-o", "ConnectTimeout=2"] });
    options.sshOptions = replaced(options.sshOptions ?? [], "-p", String(listener.addr.port));
    const diagnosed = stepsOf(options);
    using connection = await accepted;
    await connection.write(new TextEncoder().encode(answer));
    if (closes) await connection.closeWrite();
    const steps = await diagnosed;
    assert.deepEqual(withStatus(steps, "failed"), ["connection"]);
    assert.match(steps.at(-1)?.detail ?? "", detail);
  });
}
