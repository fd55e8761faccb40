/**
 * Faults of what is stored on the far side.
 *
 * @module
 */

import assert from "node:assert";
import { userInfo } from "node:os";
import { Call, digest, type SshCache } from "@fleche/core";
import { quoteWord } from "../../src/remote/ssh_command.ts";
import { findProgram, requirement } from "../_require.ts";
import { numbers } from "./_calls.ts";
import {
  assertClean,
  assertTold,
  assertWorks,
  rejection,
  sampleCall,
  testFaults,
} from "./_fault.ts";
import { LinkProxy } from "./_link_proxy.ts";
import { PROGRAM, Site } from "./_site.ts";
import { HAS_SSHD } from "./_sshd.ts";
import { inTime } from "./_wait.ts";

const ignore = !HAS_SSHD;

const LARGE = new Call({ name: "large", arguments: { x: 1 }, result: numbers(1_000_000) });

const SAVE_FAILED = { name: "SaveError", code: "SAVE_FAILED" };

const SERVE = `exec ${PROGRAM.map(quoteWord).join(" ")} "$@"`;

testFaults([
  {
    label: "the server may not write files of that size",
    arrange: (site) => {
      Deno.writeTextFileSync(site.path("setup"), "trap '' XFSZ; ulimit -f 500");
      const mend = () => Deno.writeTextFileSync(site.path("setup"), ":");
      return { options: { setupCommands: [". ~/setup"] }, mend };
    },
    use: (cache) => cache.save(LARGE),
    told: { ...SAVE_FAILED, message: /^On HOST: Cannot write the value file .*: File too large/ },
  },
  {
    label: "the server only reads",
    arrange: (site) => {
      const command = [site.script("program", `${SERVE} --read-only`)];
      return { options: { command }, mend: () => void site.script("program", SERVE) };
    },
    use: async (cache) => {
      await cache.info();
      await cache.save(LARGE);
    },
    told: {
      ...{ name: "RejectedError", code: "REJECTED" },
      message: /^Cannot store a call: the cache on HOST is read-only$/,
    },
  },
], { ignore });

const canMount = requirement(
  "mount",
  userInfo().uid === 0 && findProgram("mount") !== undefined && tries("mount"),
  "a filesystem can only be mounted by root",
);

// Whether a filesystem can be mounted: not even root may do so everywhere.
function tries(program: string): boolean {
  const folder = Deno.makeTempDirSync({ prefix: "fleche-mount-" });
  try {
    const args = ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder];
    const { success } = new Deno.Command(program, { args, stderr: "null" }).outputSync();
    if (success) run("umount", folder);
    return success;
  } finally {
    Deno.removeSync(folder);
  }
}

function run(program: string, ...args: string[]): void {
  const { success, stderr } = new Deno.Command(program, { args }).outputSync();
  assert(success, new TextDecoder().decode(stderr));
}

/** A small filesystem in a folder. */
class Disk implements Disposable {
  readonly #folder: string;

  constructor(folder: string, size: string) {
    this.#folder = folder;
    Deno.mkdirSync(folder, { recursive: true });
    run("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder);
  }

  /** Changes its options. */
  remount(options: string): void {
    run("mount", "-o", `remount,${options}`, this.#folder);
  }

  // At once, also where somebody still has a file open.
  [Symbol.dispose](): void {
    run("umount", "--lazy", this.#folder);
  }
}

Deno.test(
  "SshCache says so if the disk there is full or read-only, and recovers",
  { ignore: ignore || !canMount },
  async () => {
    await using site = await Site.start();
    using disk = new Disk(site.path("own", "values"), "2m");
    await using cache = site.cache();
    const fails = async (call: Call, reason: string) => {
      const message = new RegExp(`^On HOST: Cannot write the value file .*: ${reason}`);
      assertTold(await rejection(cache.save(call)), { ...SAVE_FAILED, message }, site);
      assert.equal(await cache.contains(call.key), false);
      await assertClean(site);
    };
    await fails(LARGE, "No space left on device");
    // There is room for what is small.
    await assertWorks(cache, sampleCall(1));
    disk.remount("ro");
    await fails(sampleCall(2), "Read-only file system");
    assert.deepEqual(await (await cache.load(sampleCall(1).key)).result(), sampleCall(1).result);
    disk.remount("rw,size=64m");
    await assertWorks(cache, LARGE);
    await cache.reconnect();
    await assertWorks(cache, sampleCall(2));
    await assertClean(site);
  },
);

Deno.test(
  "SshCache says so if there is no room for calls there, and recovers",
  { ignore: ignore || !canMount },
  async () => {
    await using site = await Site.start();
    using disk = new Disk(site.path("own"), "600k");
    await using cache = site.cache();
    const calls = Array.from(
      { length: 600 },
      (_, x) => new Call({ name: "f", arguments: { x }, result: "x".repeat(1000) }),
    );
    let count = 0;
    const saveAll = async () => {
      for (; count < calls.length; count++) await cache.save(calls[count] ?? assert.fail());
    };
    assertTold(await rejection(saveAll()), {
      ...SAVE_FAILED,
      message: /^On HOST: Cannot write call [0-9a-f]{64} to the database .*: .* disk is full$/,
    }, site);
    assert.equal(await cache.query().count(), count);
    await assertClean(site);
    disk.remount("rw,size=64m");
    await cache.reconnect();
    await saveAll();
    assert.equal(await cache.query().count(), calls.length);
    await assertClean(site);
  },
);

/** What is deleted while a call is saved that refers to it. */
const [OLD, NEW] = [numbers(40_000, 2), numbers(40_000, 3)];
const referring = new Call({ name: "referring", arguments: { x: 1 }, result: [OLD, NEW] });

// A value that no call refers to any more, as far as the far side knows.
async function leaveOrphan(cache: SshCache): Promise<void> {
  const key = await cache.save(new Call({ name: "old", arguments: { x: 1 }, result: [OLD] }));
  assert.equal(await cache.evict(key), true);
}

async function collect(site: Site): Promise<void> {
  await using there = site.inPlace();
  await there.gc({ grace: 0 });
  assert.equal(await there.readNamed(digest(OLD).hex), undefined);
}

for (const [label, forgets] of [["has saved", false], ["is new and finds", true]] as const) {
  Deno.test(
    `SshCache that ${label} a value there sends it when gc deletes it between question and save`,
    { ignore },
    async () => {
      await using site = await Site.start();
      await using link = new LinkProxy(site.sshd.port);
      await using cache = site.cache({ port: link.port });
      await leaveOrphan(cache);
      if (forgets) await cache.reconnect();
      const before = link.bytes("up");
      const asked = link.stallAt("down");
      const saving = cache.save(referring);
      await inTime(asked, "the answer to what is missing");
      assert(link.bytes("up") - before < OLD.byteLength, "nothing large was sent unasked");
      await collect(site);
      link.resume();
      const key = await inTime(saving, "the save");
      assert.deepEqual(await (await cache.load(key)).result(), [OLD, NEW]);
      assert(link.bytes("up") - before >= OLD.byteLength + NEW.byteLength);
      await assertClean(site);
    },
  );
}

Deno.test("SshCache sends what gc has deleted before the save begins", { ignore }, async () => {
  await using site = await Site.start();
  await using cache = site.cache();
  await leaveOrphan(cache);
  await collect(site);
  await assertWorks(cache, referring);
  await assertClean(site);
});
