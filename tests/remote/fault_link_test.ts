/**
 * Faults of a connection that has been made.
 *
 * @module
 */

import assert from "node:assert";
import { Call, digest, RemoteConnectionError, type SshCache } from "@fleche/core";
import { numbers } from "./_calls.ts";
import { assertClean, assertTold, assertWorks, rejection, type Told } from "./_fault.ts";
import { type Direction, LinkProxy } from "./_link_proxy.ts";
import { Site } from "./_site.ts";
import { HAS_SSHD } from "./_sshd.ts";
import { childrenOf, inTime, isRunning, parentOf, until } from "./_wait.ts";
import { warningsOf } from "./_warnings.ts";

const ignore = !HAS_SSHD;

const CONNECTION = { name: "RemoteConnectionError", code: "REMOTE_CONNECTION" };

/** A value that takes seconds to cross. */
const LARGE = numbers(2_000_000);

const BANDWIDTH = 4_000_000;

/** Bytes after which a value is under way. */
const SOME = 1_000_000;

interface Open {
  readonly site: Site;
  readonly link: LinkProxy;
  readonly cache: SshCache;
}

// Breaks a connection, given the process that serves.
const BREAKS: readonly [label: string, (open: Open, pid: number) => void, told: Told][] = [
  [
    "the server is killed",
    (_, pid) => Deno.kill(pid, "SIGKILL"),
    {
      ...{ ...CONNECTION, exitCode: 255 },
      message: /^The connection to HOST was lost \(exit code 255\)$/,
    },
  ],
  [
    "the session of sshd is killed",
    (_, pid) => Deno.kill(parentOf(pid) ?? 0, "SIGKILL"),
    {
      ...{ ...CONNECTION, exitCode: 255 },
      message: /^The connection to HOST was lost \(exit code 255\)\n/,
      stderr: /^(client_loop: |Connection to |Connection reset).*$/,
    },
  ],
  [
    "ssh is killed",
    ({ link }) => {
      const [ssh] = childrenOf(Deno.pid, `-p ${link.port} `);
      Deno.kill(ssh ?? 0, "SIGKILL");
    },
    {
      ...{ ...CONNECTION, exitCode: 137 },
      message: /^The connection to HOST was lost \(exit code 137\)$/,
    },
  ],
  [
    "the network breaks",
    ({ link }) => link.cut(),
    {
      ...{ ...CONNECTION, exitCode: 255 },
      message: /^The connection to HOST was lost \(exit code 255\)\n/,
      stderr: /^(client_loop: |Connection to |Connection reset).*$/,
    },
  ],
];

const saved = new Call({ name: "saved", arguments: { x: 2 }, result: LARGE.map((x) => x + 1) });

// What is under way when it breaks.
const MOMENTS: readonly [label: string, begin?: (open: Open) => Promise<Begun>][] = [
  ["while nothing is under way"],
  ["in the middle of an answer", ({ cache, link }) => {
    const isBegun = hasPassed(link, "down");
    return underWay(cache.loadValue(digest(LARGE).hex), isBegun);
  }],
  ["in the middle of a save", ({ cache, link }) => {
    const isBegun = hasPassed(link, "up");
    return underWay(cache.save(saved), isBegun);
  }],
];

interface Begun {
  readonly failed: Promise<unknown>;
}

// Whether some of a value has passed since now.
function hasPassed(link: LinkProxy, direction: Direction): () => boolean {
  const before = link.bytes(direction);
  return () => link.bytes(direction) > before + SOME;
}

async function underWay(promise: Promise<unknown>, isBegun: () => boolean): Promise<Begun> {
  const failed = rejection(promise);
  await until(isBegun, "some of the value");
  return { failed };
}

for (const [what, breakIt, told] of BREAKS) {
  Deno.test(`SshCache says so if ${what}, and recovers`, { ignore }, async (test) => {
    await using site = await Site.start();
    await using there = site.inPlace();
    await there.save(new Call({ name: "large", arguments: { x: 1 }, result: LARGE }));
    await using link = new LinkProxy(site.sshd.port, { bandwidth: BANDWIDTH });
    await using cache = site.cache({ port: link.port });
    for (const [when, begin] of MOMENTS) {
      await test.step(when, async () => {
        const { pid } = await cache.info();
        const begun = await begin?.({ site, link, cache });
        breakIt({ site, link, cache }, pid);
        if (begun !== undefined) assertTold(await begun.failed, told, site);
        await until(() => !isRunning(pid), "the end of the server");
        // So does whatever comes after it.
        for (let attempt = 0; attempt < 2; attempt++) {
          assertTold(await rejection(cache.contains(saved.key)), told, site);
        }
        assert.equal(await there.contains(saved.key), false);
        await assertClean(site);
        await inTime(cache.reconnect(), "the new connection");
        await assertWorks(cache);
        await assertClean(site);
      });
    }
  });
}

/** What makes a connection stand still, and takes that away. */
const STANDSTILLS: readonly [
  what: "network" | "server",
  begin: (open: Open, pid: number) => void,
  end: (open: Open, pid: number) => void,
][] = [
  ["network", ({ link }) => link.stall(), ({ link }) => link.resume()],
  ["server", (_, pid) => Deno.kill(pid, "SIGSTOP"), (_, pid) => Deno.kill(pid, "SIGCONT")],
];

Deno.test("SshCache gives up what stands still, and recovers", { ignore }, async () => {
  await using site = await Site.start();
  await using there = site.inPlace();
  await there.save(new Call({ name: "large", arguments: { x: 1 }, result: LARGE }));
  // All at once: what takes time is waiting.
  const cases = STANDSTILLS.flatMap((each) => MOMENTS.map(([_, use]) => ({ each, use })));
  await Promise.all(cases.map(async ({ each: [, begin, end], use }) => {
    await using link = new LinkProxy(site.sshd.port, { bandwidth: BANDWIDTH });
    await using cache = site.cache({ port: link.port, timeout: 3 });
    const { pid } = await cache.info();
    const begun = await use?.({ site, link, cache });
    begin({ site, link, cache }, pid);
    assertTold(await (begun?.failed ?? rejection(cache.contains(saved.key))), {
      ...CONNECTION,
      message: /^The connection to HOST has not moved for 3 seconds and was given up$/,
    }, site);
    end({ site, link, cache }, pid);
    await until(() => !isRunning(pid), "the end of the server");
    await inTime(cache.reconnect(), "the new connection");
    await assertWorks(cache);
  }));
  assert.equal(await there.contains(saved.key), false);
  await assertClean(site);
});

Deno.test("SshCache tells of what stands still, once, before it gives up", { ignore }, async () => {
  await using site = await Site.start();
  const { host } = site.sshd;
  await using link = new LinkProxy(site.sshd.port);
  await using cache = site.cache({ port: link.port, timeout: 8 });
  await using slow = new LinkProxy(site.sshd.port);
  await using waiting = site.cache({ port: slow.port });
  await cache.info();
  const warnings = await warningsOf(async (warnings) => {
    link.stall();
    const lost = rejection(cache.contains(saved.key));
    // A login takes as long as it takes.
    slow.stall();
    const info = waiting.info();
    await until(() => warnings.length === 2, "the warnings");
    slow.resume();
    await inTime(info, "the connection");
    await assertWorks(waiting);
    assert(await lost instanceof RemoteConnectionError);
  });
  assert.deepEqual(
    warnings.toSorted(),
    [
      "it has not answered yet, or ssh asks for something",
      "nothing comes from it; it is given up after 8 seconds",
    ].map((what) => `fleche: Waiting for ${host} for 5 seconds: ${what}`),
  );
});

Deno.test("SshCache goes on after a link has stood still for a while", { ignore }, async () => {
  await using site = await Site.start();
  await using link = new LinkProxy(site.sshd.port);
  await using cache = site.cache({ port: link.port });
  await cache.info();
  link.stall();
  const pending = assertWorks(cache);
  const before = link.bytes("up");
  await until(() => link.bytes("up") > before, "a request");
  link.resume();
  await pending;
  await assertClean(site);
});
