import assert from "node:assert";
import { userInfo } from "node:os";
import { join } from "node:path";
import { SshCache } from "@fleche/core";
import { assertClean, assertWorks } from "./_fault.ts";
import { Lines } from "./_lines.ts";
import { LinkProxy } from "./_link_proxy.ts";
import { PROGRAM, Site } from "./_site.ts";
import { HAS_SSHD, Sshd } from "./_sshd.ts";
import { childrenOf, isRunning, isThere, type Process, processes, until } from "./_wait.ts";

const ignore = !HAS_SSHD;

/** A process in a group of its own, as a terminal starts them. */
const DETACHED: Partial<Deno.CommandOptions> = { detached: true, stderr: "null" };

// Neither of the two sides has anything left of a connection.
async function assertNothingLeft(site: Site, server?: unknown): Promise<void> {
  const { folder, sessions } = site.sshd;
  const isLeft = ({ pid, args }: Process) =>
    sessions.includes(pid) || args.includes(folder) && !/^\S*sshd\b/.test(args);
  if (server !== undefined) {
    assert(typeof server === "number" && server > 0);
    await until(() => !isRunning(server), "the end of the server");
  }
  await until(() => !processes().some(isLeft), "the end of ssh and what it has run");
  await until(() => site.sshd.sessions.length === 0, "the end of the session");
}

for (const action of ["idle", "close"]) {
  Deno.test(
    `SshCache lets a program end after "${action}", and leaves nothing`,
    { ignore },
    async () => {
      await using site = await Site.start();
      const { code, printed, stderr } = await site.session(action, site.config());
      assert.deepEqual([code, stderr], [0, ""]);
      await assertNothingLeft(site, printed["pid"]);
    },
  );
}

Deno.test(
  "SshCache of a stack lets a program end that has loaded and saved",
  { ignore },
  async () => {
    await using site = await Site.start();
    const stack = [site.config(), site.local()];
    const { code, printed, stderr } = await site.session("analyse", stack);
    assert.deepEqual([code, printed["runs"], stderr], [0, 3, ""]);
  },
);

/** How a program ends that does not want to. */
const ENDS: readonly [label: string, end: (child: Deno.ChildProcess) => void][] = [
  ["killed", (child) => child.kill("SIGKILL")],
  // As a terminal does: ssh gets it as well.
  ["interrupted", ({ pid }) => Deno.kill(-pid, "SIGINT")],
];

/** How ssh is told to share connections. */
const SHARING: readonly [label: string, options: (folder: string) => string[]][] = [
  ["", () => []],
  [" that shares its connection", (folder) => shared(folder, "no")],
  [" that shares a connection in the background", (folder) => shared(folder, "1")],
];

function shared(folder: string, persist: string): string[] {
  const settings = ["ControlMaster=auto", `ControlPath=${folder}/%C`, `ControlPersist=${persist}`];
  return settings.flatMap((each) => ["-o", each]);
}

for (const [end, endIt] of ENDS) {
  for (const [sharing, optionsOf] of SHARING) {
    Deno.test(
      `SshCache leaves nothing of a program${sharing} that is ${end}`,
      { ignore },
      async () => {
        await using site = await Site.start();
        const ssh_options = [...site.sshd.sshOptions, ...optionsOf(site.sshd.folder)];
        const child = site.start("wait", site.config({ ssh_options }), DETACHED);
        await using lines = new Lines(child.stdout);
        const { pid } = await lines.next();
        assert(typeof pid === "number" && isRunning(pid));
        endIt(child);
        await child.status;
        await assertNothingLeft(site, pid);
      },
    );
  }

  Deno.test(
    `SshCache leaves nothing of a program that is ${end} while it connects`,
    { ignore },
    async () => {
      await using site = await Site.start();
      // A setup command that does not end by itself.
      const waiting = site.path("waiting");
      const setup_commands = [`touch ${waiting}; while :; do sleep 0.1; done`];
      const child = site.start("wait", site.config({ setup_commands }), DETACHED);
      await until(() => isThere(waiting), "the setup command");
      endIt(child);
      await child.status;
      await child.stdout.cancel();
      await assertNothingLeft(site);
    },
  );

  Deno.test(`SshCache leaves nothing of a save whose program is ${end}`, { ignore }, async () => {
    await using site = await Site.start();
    await using link = new LinkProxy(site.sshd.port, { bandwidth: 4_000_000 });
    const ssh_options = site.sshd.sshOptionsAt(link.port);
    const child = site.start("save", site.config({ ssh_options }), DETACHED);
    await using lines = new Lines(child.stdout);
    const { pid } = await lines.next();
    const before = link.bytes("up");
    await until(() => link.bytes("up") > before + 1_000_000, "some of the value");
    endIt(child);
    await child.status;
    await assertNothingLeft(site, pid);
    await using there = site.inPlace();
    assert.equal(await there.query().count(), 0);
    await assertClean(site);
    await using cache = site.cache();
    await assertWorks(cache);
  });
}

Deno.test(
  "SshCache leaves a shared connection to others when it is closed",
  { ignore },
  async () => {
    await using site = await Site.start();
    const sshOptions = shared(site.sshd.folder, "60");
    await using one = site.cache({ sshOptions });
    await using two = site.cache({ sshOptions });
    await one.info();
    const { pid } = await two.info();
    await one.close();
    assert.equal((await two.info()).pid, pid);
    await assertWorks(two);
    await two.close();
    const leave = ["-O", "exit", ...site.sshd.sshOptions, ...sshOptions, site.sshd.host];
    assert((await new Deno.Command("ssh", { args: leave, stderr: "null" }).output()).success);
    await assertNothingLeft(site);
  },
);

Deno.test("SshCache goes through a jump host, and leaves nothing there", { ignore }, async () => {
  await using site = await Site.start();
  await using jump = await Sshd.start();
  const config = join(site.sshd.folder, "config");
  const { username } = userInfo();
  const hostLines = (name: string, { folder, port }: Sshd) => [
    `Host ${name}`,
    `HostName 127.0.0.1\nPort ${port}\nUser ${username}`,
    `IdentityFile ${folder}/key\nUserKnownHostsFile ${folder}/known_hosts`,
    "HostKeyAlias fleche-test\nGlobalKnownHostsFile /dev/null\nBatchMode yes\nLogLevel ERROR",
    "IdentitiesOnly yes\nIdentityAgent none",
  ];
  const lines = [...hostLines("jump", jump), ...hostLines("far", site.sshd), "ProxyJump jump", ""];
  Deno.writeTextFileSync(config, lines.join("\n"));
  const options = { host: "far", ssh_options: ["-F", config] };
  {
    await using cache = new SshCache({ host: "far", command: PROGRAM, sshOptions: ["-F", config] });
    await assertWorks(cache);
  }
  const child = site.start("wait", site.config(options), DETACHED);
  await using printed = new Lines(child.stdout);
  const { pid } = await printed.next();
  assert.notEqual(jump.sessions.length, 0);
  child.kill("SIGKILL");
  await child.status;
  await assertNothingLeft(site, pid);
  await until(() => jump.sessions.length === 0, "the end of the session at the jump host");
  await assertClean(site);
});

Deno.test("SshCache leaves nothing after failing to connect", { ignore }, async () => {
  await using site = await Site.start();
  await using cache = site.cache({ setupCommands: ["false"] });
  await assert.rejects(cache.info());
  assert.deepEqual(childrenOf(Deno.pid, `-p ${site.sshd.port} `), []);
});

const RESULTS = [1, 2, 3].map((seed) => seed / 2 + 299_999 * seed);

Deno.test(
  "fleche() keeps working, with one warning, while the remote cache is down",
  { ignore },
  async () => {
    await using site = await Site.start();
    const config = [site.local(), site.config()];
    await site.sshd.stop();
    const { code, printed, stderr } = await site.session("insist", config);
    assert.equal(code, 0);
    assert.deepEqual(printed, { results: [...RESULTS, ...RESULTS], runs: 3 });
    assert.equal(stderr.match(/^fleche:/gm)?.length, 1, stderr);
    assert.match(stderr, /Connection refused/);
  },
);

Deno.test("fleche() keeps working while the only cache is down", { ignore }, async () => {
  await using site = await Site.start();
  const config = site.config({ command: [...PROGRAM, "--no-such-option"] });
  const { code, printed, stderr } = await site.session("insist", config);
  assert.equal(code, 0);
  assert.deepEqual(printed, { results: [...RESULTS, ...RESULTS], runs: 6 });
  // One for what cannot be loaded, and one for what cannot be stored.
  const warnings = stderr.match(/^fleche:/gm)?.length ?? 0;
  assert(warnings >= 1 && warnings <= 2, stderr);
  assert.match(stderr, /no-such-option/);
});
