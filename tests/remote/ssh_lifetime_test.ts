import assert from "node:assert";
import { PROGRAM, Site } from "./_site.ts";
import { HAS_SSHD } from "./_sshd.ts";
import { childrenOf, inTime, isRunning, type Process, processes, until } from "./_wait.ts";

const ignore = !HAS_SSHD;

// Neither of the two sides has anything left of a connection.
async function assertNothingLeft(site: Site, server: unknown): Promise<void> {
  assert(typeof server === "number" && server > 0);
  const isClient = ({ args }: Process) => args.includes(`-i ${site.sshd.folder}/key`);
  await until(() => !isRunning(server), "the end of the server");
  await until(() => !processes().some(isClient), "the end of ssh");
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

Deno.test("SshCache leaves nothing of a program that is killed", { ignore }, async () => {
  await using site = await Site.start();
  const child = site.start("wait", site.config(), { stderr: "null" });
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value } = await inTime(reader.read(), "the connection");
    assert(value !== undefined);
    text += value;
  }
  const { pid } = JSON.parse(text);
  assert(isRunning(pid));
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  await assertNothingLeft(site, pid);
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
