import assert from "node:assert";
import {
  CacheStack,
  Call,
  digest,
  fleche,
  RemoteConnectionError,
  type SshCache,
  withCache,
} from "@fleche/core";
import { quoteWord } from "../../src/remote/ssh_command.ts";
import { numbers } from "./_calls.ts";
import { memoryCache } from "./_memory.ts";
import { PROGRAM, Site } from "./_site.ts";
import { HAS_SSHD } from "./_sshd.ts";
import { childrenOf, inTime, isRunning, isThere, type Process, processes, until } from "./_wait.ts";
import { warningsOf } from "./_warnings.ts";

const ignore = !HAS_SSHD;
const program = PROGRAM.map(quoteWord).join(" ");

const LARGE = numbers(1_000_000);

/** Passes on the greeting and some of the large value, at most 2.9 MB, as they come. */
const SOME = "dd bs=4096 count=700 2>/dev/null";

// A cache on the far side that holds a large value; its digest.
async function fill(site: Site): Promise<string> {
  await using cache = site.inPlace();
  await cache.save(new Call({ name: "large", arguments: { x: 1 }, result: LARGE }));
  return digest(LARGE).hex;
}

async function rejection(promise: Promise<unknown>): Promise<RemoteConnectionError> {
  const outcome = promise.then(() => undefined, (error) => error);
  const error = await inTime(outcome, "the error", 10_000);
  assert(error instanceof RemoteConnectionError, String(error));
  return error;
}

// Whatever is asked for fails, at once and with one error.
async function assertGone(cache: SshCache, error: RemoteConnectionError): Promise<void> {
  const key = "a".repeat(64);
  await assert.rejects(cache.contains(key), error);
  await assert.rejects(cache.find(key), error);
  await assert.rejects(cache.save(new Call({ name: "f", result: 1 })), error);
  await assert.rejects(cache.list("", 1), error);
  await assert.rejects(Array.fromAsync(cache.records()), error);
}

Deno.test("SshCache fails if the link is cut in the middle of a load", { ignore }, async () => {
  await using site = await Site.start();
  const wanted = await fill(site);
  const script = `${program} "$@" | { ${SOME}; echo 'cut off' >&2; exit 9; }`;
  await using cache = site.cache({ command: [site.script("cutting", script)] });
  await cache.info();
  const pending = [1, 2, 3].map(() => cache.loadValue(wanted));
  const [first, ...others] = await Promise.all(pending.map(rejection));
  assert(first !== undefined);
  assert.deepEqual(others, [first, first]);
  assert.equal(first.data.host, site.sshd.host);
  assert.equal(first.data.exitCode, 9);
  assert(first.data.stderr.includes("cut off"));
  assert.match(first.message, /cut off/);
  await assertGone(cache, first);
});

Deno.test("SshCache says that the connection is gone, not how it noticed", { ignore }, async () => {
  await using site = await Site.start();
  await using cache = site.cache();
  await cache.info();
  const [ssh] = childrenOf(Deno.pid, `-p ${site.sshd.port} `);
  assert(ssh !== undefined);
  Deno.kill(ssh, "SIGKILL");
  // Without a turn of the event loop: the request is written to a pipe that nobody reads.
  while (isRunning(ssh));
  const error = await rejection(cache.contains("a".repeat(64)));
  await assertGone(cache, error);
});

Deno.test("SshCache connects anew when it is used after close()", { ignore }, async () => {
  await using site = await Site.start();
  const cache = site.cache();
  const first = await cache.info();
  const call = await cache.load(await cache.save(new Call({ name: "f", result: LARGE })));
  await cache.close();
  await until(() => !isRunning(first.pid), "the end of the server");
  // What was found before leads back to the cache.
  assert.deepEqual(await call.result(), LARGE);
  assert.notEqual((await cache.info()).pid, first.pid);
  await cache.close();
  await cache.close();
});

Deno.test("SshCache fails what is under way when it is closed", { ignore }, async () => {
  await using site = await Site.start();
  const wanted = await fill(site);
  const cache = site.cache();
  const { pid } = await cache.info();
  Deno.kill(pid, "SIGSTOP");
  const pending = [cache.loadValue(wanted), cache.contains("a".repeat(64))].map(rejection);
  // The requests are under way; what answers them has been stopped.
  await new Promise((resolve) => setTimeout(resolve, 0));
  try {
    await inTime(cache.close(), "the end of the connection");
    const [first, second] = await Promise.all(pending);
    assert.equal(first, second);
    assert.equal(first?.message, `The connection to ${site.sshd.host} was closed`);
    assert.equal(first?.data.exitCode, undefined);
  } finally {
    Deno.kill(pid, "SIGCONT");
  }
});

Deno.test(
  "SshCache fails what waits for the connection when it is closed",
  { ignore },
  async () => {
    await using site = await Site.start();
    const waiting = site.path("waiting");
    const cache = site.cache({ setupCommands: [`touch ${waiting}; while :; do sleep 0.1; done`] });
    const pending = [cache.info(), cache.contains("a".repeat(64))].map(rejection);
    await until(() => isThere(waiting), "the setup command");
    await inTime(cache.close(), "the end of the connection");
    const [first, second] = await Promise.all(pending);
    assert.equal(first, second);
    assert.equal(first?.message, `The connection to ${site.sshd.host} was closed`);
    const isSetup = ({ args }: Process) => args.includes(waiting);
    await until(() => !processes().some(isSetup), "the end of the setup command");
  },
);

Deno.test("SshCache fails a save that it is closed in the middle of", { ignore }, async () => {
  await using site = await Site.start();
  const [stalled, release] = [site.path("stalled"), site.path("release")];
  // What is sent stops half-way, so that it cannot all be on its way.
  const stall = `dd bs=4096 count=4 2>/dev/null; touch ${stalled}; ` +
    `while [ ! -e ${release} ]; do sleep 0.02; done; exec cat`;
  const cache = site.cache({ command: [site.script("slow", `{ ${stall}; } | ${program} "$@"`)] });
  const { pid } = await cache.info();
  const saving = cache.save(new Call({ name: "f", result: LARGE })).catch((error) => error);
  await until(() => isThere(stalled), "the save to stall");
  const closed = cache.close();
  try {
    await inTime(closed, "the end of the connection", 10_000);
  } finally {
    Deno.writeTextFileSync(release, "");
    await until(() => !isRunning(pid), "the end of the server");
    await closed;
  }
  const error = await inTime(saving, "the outcome of the save");
  assert(error instanceof RemoteConnectionError, String(error));
});

Deno.test(
  "fleche() keeps working, with one warning, when the remote cache is lost",
  { ignore },
  async () => {
    await using site = await Site.start();
    let runs = 0;
    const square = fleche((x: number) => (runs++, x * x), {
      name: "square",
      module: "t",
      version: 1,
    });
    await using far = site.cache();
    await using stack = new CacheStack([memoryCache(), far]);
    const warnings = await warningsOf(() =>
      withCache(stack, async () => {
        assert.equal(await square(3), 9);
        const { pid } = await far.info();
        Deno.kill(pid, "SIGKILL");
        await until(() => !isRunning(pid), "the end of the server");
        for (const x of [4, 5, 6, 3, 4]) assert.equal(await square(x), x * x);
      })
    );
    assert.equal(runs, 4);
    assert.equal(warnings.length, 1, warnings.join("\n"));
    assert.match(warnings[0] as string, /connection/);
  },
);
