import assert from "node:assert";
import { Call, ConfigError, RejectedError, RemoteConnectionError } from "@fleche/core";
import { quoteWord } from "../../src/remote/ssh_command.ts";
import { numbers } from "./_calls.ts";
import { PROGRAM, Site } from "./_site.ts";
import { HAS_SSHD } from "./_sshd.ts";

const ignore = !HAS_SSHD;
const program = PROGRAM.map(quoteWord).join(" ");

// What a login script does before it runs what the client asks for.
const login = (script: string) => `sh -c '${script}; exec sh -c "$SSH_ORIGINAL_COMMAND"'`;

const BANNERS: readonly [label: string, script: string][] = [
  ["a line", "echo hello"],
  ["a line without an end", "printf hello"],
  ["a page, in pieces", "for i in 1 2 3 4 5 6; do echo line $i; sleep 0.01; done"],
  ["something like the greeting", "echo fleche/1; printf fleche/1"],
  ["60 kB", "head -c 60000 /dev/zero"],
  ["something on standard error", "echo hello >&2"],
];

for (const [label, script] of BANNERS) {
  Deno.test(`SshCache comes past a login script that prints ${label}`, { ignore }, async () => {
    await using site = await Site.start({ forceCommand: login(script) });
    await using cache = site.cache();
    const result = numbers(20_000);
    const key = await cache.save(new Call({ name: "f", result }));
    assert.deepEqual(await (await cache.load(key)).result(), result);
  });
}

Deno.test(
  "SshCache shows what a login script prints that prints too much",
  { ignore },
  async () => {
    const script = 'echo Welcome to the cluster; head -c 70000 /dev/zero | tr "\\\\0" x';
    await using site = await Site.start({ forceCommand: login(script) });
    await using cache = site.cache();
    await assert.rejects(cache.info(), (error) => {
      assert(error instanceof RemoteConnectionError);
      assert.match(error.message, /Welcome to the cluster/);
      return true;
    });
  },
);

Deno.test(
  "SshCache shows what is printed by an account that runs nothing",
  { ignore },
  async () => {
    const forceCommand = "sh -c 'echo This account is currently not available.; exit 1'";
    await using site = await Site.start({ forceCommand });
    await using cache = site.cache();
    await assert.rejects(cache.info(), (error) => {
      assert(error instanceof RemoteConnectionError);
      assert.equal(error.data.exitCode, 1);
      assert.match(error.message, /This account is currently not available\./);
      return true;
    });
  },
);

Deno.test(
  "a forced command serves one cache, read-only, whatever is asked for",
  { ignore },
  async () => {
    const command = `${program} remote --serve --read-only --cache shared`;
    const keyOptions = `restrict,command="${command.replaceAll('"', '\\"')}"`;
    await using site = await Site.start({ keyOptions });
    const call = new Call({ name: "f", arguments: { x: 1 }, result: numbers(20_000) });
    await using filled = site.inPlace("shared");
    await filled.save(call);
    await filled.close();

    await using cache = site.cache({ cacheName: "shared", setupCommands: ["touch ~/forbidden"] });
    const info = await cache.info();
    assert.deepEqual([info.cacheName, info.readOnly], ["shared", true]);
    assert.deepEqual(await (await cache.load(call.key)).result(), call.result);
    assert.equal(cache.isReadOnly, true);
    await assert.rejects(cache.save(call), RejectedError);
    await assert.rejects(cache.evict(call.key), RejectedError);
    assert.equal(await cache.contains(call.key), true);
    assert.throws(() => Deno.statSync(site.path("forbidden")), Deno.errors.NotFound);

    await using unnamed = site.cache();
    assert.equal((await unnamed.info()).cacheName, "shared");

    await using other = site.cache({ cacheName: "own" });
    await assert.rejects(other.contains(call.key), (error) => {
      assert(error instanceof ConfigError);
      assert.match(error.message, /"own".*"shared"/);
      return true;
    });
    // And again: it does not become usable by failing.
    await assert.rejects(other.contains(call.key), ConfigError);
  },
);
