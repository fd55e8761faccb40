import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { Call } from "../../call.ts";
import { NotFoundError, RemoteConnectionError } from "../../errors.ts";
import { inTime } from "../../in_time.ts";
import { durationText } from "../../time_text.ts";
import { VERSION } from "../../version.ts";
import { isTable } from "../params.ts";
import { redact } from "../redact.ts";
import type { RemoteInfo } from "../remote_info.ts";
import type { SshCache } from "../ssh_cache.ts";
import { ok, type Step, warning } from "./step.ts";

/** Questions whose time is taken. */
const QUESTIONS = 20;

/** Bytes of the large value that is stored. */
const LARGE = 1 << 20;

/** Largest value of others that is loaded from a cache that nothing can be stored in, in bytes. */
const MAX_LOADED = 16 << 20;

/** What a served cache tells of itself, and whether it does its work; up to the first failure. */
export async function* servedSteps(
  cache: SshCache,
  { info, timeout }: { info: RemoteInfo; timeout: number },
): AsyncIterable<Step> {
  yield cacheStep(info);
  yield info.readOnly
    ? ok("access", "Read-only: calls can be loaded, not stored")
    : ok("access", "Calls can be loaded and stored");
  for (const [step, work] of info.readOnly ? READING : WORKING) {
    const finding = await inTime(work(cache), timeout, cache.options.host).catch(failure);
    yield { step, ...finding };
    if (finding.status === "failed") return;
  }
}

type Finding = Omit<Step, "step">;
type Work = readonly [step: string, work: (cache: SshCache) => Promise<Finding>];

const READING: readonly Work[] = [["round trip", askOften], ["load", loadSomething]];

const WORKING: readonly Work[] = [
  ["round trip", askOften],
  ["small call", (cache) => storeAndLoad(cache, { fleche: [1, 2.5] })],
  ["value of 1 MiB", (cache) => storeAndLoad(cache, new Uint8Array(randomBytes(LARGE)))],
];

function cacheStep({ cache, cacheName, cwd }: RemoteInfo): Step {
  const name = cacheName === null ? "its default cache" : `the cache "${cacheName}"`;
  const config = cache === null ? "" : `: ${JSON.stringify(redact(cache))}`;
  const detail = `${name}, from ${cwd}${config}`;
  if (!isForgetful(cache)) return ok("cache", detail);
  const remedy = "What is stored is gone with the connection: use storages that keep it";
  return warning("cache", detail, remedy);
}

// Whether one of the two storages of a cache keeps nothing when the server ends.
function isForgetful(cache: unknown): boolean {
  if (!isTable(cache)) return false;
  return [cache["values"], cache["calls"]].some((storage) =>
    isTable(storage) && (storage["type"] === "memory" || storage["type"] === "void")
  );
}

// What the far side says is the detail, whatever it is.
function failure(error: unknown): Finding {
  if (!(error instanceof Error)) throw error;
  return { status: "failed", detail: error.message, remedy: remedyFor(error) };
}

function remedyFor(error: Error): string {
  if (error instanceof NotFoundError) {
    return "See whether the cache there keeps anything: it may be void, or limited to less than this";
  }
  if (error instanceof RemoteConnectionError) {
    return "See what it says, and try again; where links break, ServerAliveInterval in ~/.ssh/config " +
      "keeps them, or finds out sooner";
  }
  return "See that the folders of the cache can be read and written there, that there is room (df, " +
    "quota), and that locks work on their filesystem";
}

async function askOften(cache: SshCache): Promise<Finding> {
  const times: number[] = [];
  // The first one opens the storages there.
  for (let count = 0; count <= QUESTIONS; count++) {
    const [, time] = await timed(() => cache.contains(randomBytes(32).toString("hex")));
    if (count > 0) times.push(time);
  }
  times.sort((one, other) => one - other);
  const [median, least, most] = [times[QUESTIONS / 2], times[0], times.at(-1)]
    .map((time) => durationText(time ?? 0));
  const detail = `${median} (median of ${QUESTIONS}, from ${least} to ${most})`;
  return { status: "ok", detail };
}

async function storeAndLoad(cache: SshCache, result: unknown): Promise<Finding> {
  const nonce = randomBytes(8).toString("hex");
  const call = new Call({
    ...{ name: "doctor", module: "fleche/doctor", version: VERSION },
    ...{ arguments: { nonce }, result },
  });
  const [key, stored] = await timed(() => cache.save(call));
  try {
    const [found, loaded] = await timed(async () => (await cache.load(key)).result());
    if (!isDeepStrictEqual(found, result)) {
      const remedy = "Run fleche verify there, and report this: it must not happen";
      return { status: "failed", detail: "What was loaded is not what was stored", remedy };
    }
    const times = `stored in ${durationText(stored)}, loaded in ${durationText(loaded)}`;
    return { status: "ok", detail: `${times}, the same` };
  } finally {
    await cache.evict(key);
  }
}

async function loadSomething(cache: SshCache): Promise<Finding> {
  for await (const { key, name } of cache.records()) {
    const found = await cache.find(key);
    if (found === undefined) continue;
    const references = found.detach().resultReferences.filter(({ length }) => length <= MAX_LOADED);
    const [values, time] = await timed(() =>
      Promise.all(references.map((reference) => cache.read(reference)))
    );
    if (values.includes(undefined)) {
      const detail = `A part of the result of ${name} is missing, call ${key}`;
      return { status: "warning", detail, remedy: "Run fleche verify there" };
    }
    const detail = `a call of ${name} in ${durationText(time)}; nothing is stored: read-only`;
    return { status: "ok", detail };
  }
  return { status: "skipped", detail: "Nothing is stored there that could be loaded" };
}

async function timed<T>(work: () => Promise<T>): Promise<[result: T, seconds: number]> {
  const begun = performance.now();
  const result = await work();
  return [result, (performance.now() - begun) / 1000];
}
