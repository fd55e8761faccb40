import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { Call } from "../../call.ts";
import { inTime } from "../../in_time.ts";
import { durationText } from "../../time_text.ts";
import { VERSION } from "../../version.ts";
import { redact } from "../redact.ts";
import type { RemoteInfo } from "../remote_info.ts";
import type { SshCache } from "../ssh_cache.ts";
import { failed, ok, skipped, type Step, warning, withWords } from "./step.ts";

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
  yield versionStep(info);
  yield ok("cache", cacheText(info));
  yield info.readOnly
    ? ok("access", "Read-only: calls can be loaded, not stored")
    : ok("access", "Calls can be loaded and stored");
  const steps = [
    roundTripStep,
    ...info.readOnly ? [loadStep] : [
      (each: SshCache) => storeStep(each, { step: "small call", result: { fleche: [1, 2.5] } }),
      (each: SshCache) =>
        storeStep(each, { step: "value of 1 MiB", result: new Uint8Array(randomBytes(LARGE)) }),
    ],
  ];
  for (const take of steps) {
    const step = await inTime(take(cache), timeout, cache.options.host).catch(failure);
    yield step;
    if (step.status === "failed") return;
  }
}

function versionStep({ version }: RemoteInfo): Step {
  if (version === VERSION) return ok("version", `${version} on both sides`);
  const remedy = "Install the same version on both sides (fleche remote install)";
  return warning("version", `${version} there, ${VERSION} here`, remedy);
}

function cacheText({ cache, cacheName, cwd }: RemoteInfo): string {
  const name = cacheName === null ? "its default cache" : `the cache "${cacheName}"`;
  const config = cache === null ? "" : `: ${JSON.stringify(redact(cache))}`;
  return `${name}, from ${cwd}${config}`;
}

// What the far side says is the detail, whatever it is.
function failure(error: unknown): Step {
  if (!(error instanceof Error)) throw error;
  const remedy = "See that the folders of the cache can be read and written there, that there is " +
    "room (df, quota), and that locks work on their filesystem";
  return failed("work", error.message, remedy);
}

async function roundTripStep(cache: SshCache): Promise<Step> {
  const times: number[] = [];
  // The first one opens the storages there.
  for (let count = 0; count <= QUESTIONS; count++) {
    const begun = performance.now();
    await cache.contains(randomBytes(32).toString("hex"));
    if (count > 0) times.push((performance.now() - begun) / 1000);
  }
  times.sort((one, other) => one - other);
  const [median, least, most] = [times[QUESTIONS / 2], times[0], times.at(-1)]
    .map((time) => durationText(time ?? 0));
  return ok("round trip", `${median} (median of ${QUESTIONS}, from ${least} to ${most})`);
}

async function storeStep(
  cache: SshCache,
  { step, result }: { step: string; result: unknown },
): Promise<Step> {
  const nonce = randomBytes(8).toString("hex");
  const call = new Call({
    ...{ name: "doctor", module: "fleche/doctor", version: VERSION },
    ...{ arguments: { nonce }, result },
  });
  const [key, saved] = await timed(() => cache.save(call));
  try {
    const [loaded, found] = await timed(async () => (await cache.load(key)).result());
    if (!isDeepStrictEqual(loaded, result)) {
      const remedy = "Say so to those who make fleche: this must not happen";
      return failed(step, "What was loaded differs from what was stored", remedy);
    }
    return ok(step, `stored in ${durationText(saved)}, loaded in ${durationText(found)}, the same`);
  } finally {
    await cache.evict(key);
  }
}

async function loadStep(cache: SshCache): Promise<Step> {
  const step = "load";
  for await (const { key, name } of cache.records()) {
    const found = await cache.find(key);
    if (found === undefined) continue;
    const references = found.detach().resultReferences.filter(({ length }) => length <= MAX_LOADED);
    const [values, time] = await timed(() =>
      Promise.all(references.map((reference) => cache.read(reference)))
    );
    if (values.includes(undefined)) {
      const detail = withWords(`A part of the result of ${name} is missing`, [key]);
      return warning(step, detail, "Run fleche verify there");
    }
    return ok(step, `a call of ${name} in ${durationText(time)}; nothing was stored: read-only`);
  }
  return skipped(step, "Nothing is stored there that could be loaded");
}

async function timed<T>(work: () => Promise<T>): Promise<[result: T, seconds: number]> {
  const begun = performance.now();
  const result = await work();
  return [result, (performance.now() - begun) / 1000];
}
