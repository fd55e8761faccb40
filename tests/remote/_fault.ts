/**
 * What goes wrong between a client and a server, how it is told, and that it can be mended.
 *
 * @module
 */

import assert from "node:assert";
import { Call, type SshCache } from "@fleche/core";
import { numbers } from "./_calls.ts";
import { Site, type SiteOptions } from "./_site.ts";
import type { SshdOptions } from "./_sshd.ts";
import { inTime } from "./_wait.ts";

/** A fault that has been brought about. */
export interface Arranged {
  /** Options of the cache that meets it. */
  readonly options?: SiteOptions;
  /** Takes the fault away. */
  readonly mend: () => void | Promise<void>;
}

/** How a fault is told. */
export interface Told {
  /** The class of the error. */
  readonly name: string;
  /** Its stable identifier. */
  readonly code: string;
  /** The message; `HOST` stands for the host. */
  readonly message: RegExp;
  /** What ssh ended with, where it ended by itself. */
  readonly exitCode?: number;
  /** The last lines of standard error. */
  readonly stderr?: RegExp;
}

/** One row of the table. */
export interface Fault {
  readonly label: string;
  readonly sshd?: SshdOptions;
  readonly arrange: (site: Site) => Arranged | Promise<Arranged>;
  /** What meets the fault; connecting by default. */
  readonly use?: (cache: SshCache, site: Site) => Promise<unknown>;
  readonly told: Told;
}

/** Brings a fault about, sees how it is told, mends it, and sees that all is well again. */
export async function checkFault({ arrange, use, told }: Fault, site: Site): Promise<void> {
  const { options, mend } = await arrange(site);
  await using cache = site.cache(options);
  const using = use === undefined ? cache.info() : use(cache, site);
  assertTold(await rejection(using), told, site);
  await assertClean(site);
  await mend();
  await inTime(cache.reconnect(), "the new connection");
  await assertWorks(cache);
  await assertClean(site);
}

/** Whether an error is the one that is expected. */
export function assertTold(error: unknown, told: Told, { sshd }: Site): void {
  assert(error instanceof Error, `${error}`);
  assert.deepEqual([error.name, Reflect.get(error, "code")], [told.name, told.code], error.message);
  const host = RegExp.escape(sshd.host);
  const pattern = new RegExp(told.message.source.replaceAll("HOST", host), told.message.flags);
  assert.match(error.message, pattern);
  if (told.name !== "RemoteConnectionError") return;
  const data: unknown = Reflect.get(error, "data");
  assert(typeof data === "object" && data !== null && "stderr" in data && "host" in data);
  assert.deepEqual([data.host, Reflect.get(data, "exitCode")], [sshd.host, told.exitCode]);
  assert(Array.isArray(data.stderr));
  const stderr = data.stderr.join("\n");
  assert.match(stderr, told.stderr ?? /^$/);
  assert(error.message.includes(stderr));
}

/** The error with which something fails. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const error = await inTime(promise.then(() => undefined, (error) => error), "the error");
  assert(error !== undefined, "It did not fail");
  return error;
}

/** A call that refers to values of its own. */
export function sampleCall(seed = 1): Call {
  const result = { seed, series: numbers(20_000, seed), table: numbers(10_000, seed + 0.5) };
  return new Call({ name: "sample", arguments: { seed }, result });
}

/** Whether a cache stores and finds. */
export async function assertWorks(cache: SshCache, call: Call = sampleCall(99)): Promise<void> {
  const key = await inTime(cache.save(call), "the save");
  assert.equal(await cache.contains(key), true);
  const found = await cache.load(key);
  assert.deepEqual(await inTime(found.result(), "the load"), call.result);
}

/** Whether all that the far side holds is whole. */
export async function assertClean(site: Site, name = "own"): Promise<void> {
  await using there = site.inPlace(name);
  const { isClean, records, values } = await there.verify();
  assert(isClean, JSON.stringify({ records, values }));
}

/** A test for each row of a table. */
export function testFaults(faults: readonly Fault[], { ignore }: { ignore: boolean }): void {
  for (const fault of faults) {
    Deno.test(`SshCache says so if ${fault.label}, and recovers`, { ignore }, async () => {
      await using site = await Site.start(fault.sshd);
      await checkFault(fault, site);
    });
  }
}
