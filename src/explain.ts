import type { BaseCache } from "./caches/base_cache.ts";
import { RefreshingCache } from "./caches/refreshing_cache.ts";
import type { Caching } from "./caching.ts";
import { argumentDigest } from "./call.ts";
import { Digest } from "./digest.ts";
import { NotFoundError } from "./errors.ts";
import { type Difference, Explanation } from "./explanation.ts";
import type { NamedArguments } from "./function_keys.ts";
import type { LazyCall } from "./lazy_call.ts";
import { hashedIdentity } from "./lookup_key.ts";
import { slotDigest } from "./slot.ts";
import { described, differences, shortDigest } from "./value_difference.ts";

/** Stored calls of a function that are looked at, newest first, to find the closest one. */
const MAX_CANDIDATES = 10_000;

/** What a call's key is made from. */
interface Wanted {
  readonly caching: Caching;
  readonly named: NamedArguments;
  /** Digests of the arguments, by name. */
  readonly digests: ReadonlyMap<string, string>;
}

/** Says whether a call would be loaded from a cache, and if not, why. */
export async function explain(
  caching: Caching,
  cache: BaseCache,
  args: readonly unknown[],
): Promise<Explanation> {
  const { profile: { name }, keys, cached } = caching;
  let named: NamedArguments;
  let key: string;
  try {
    const obstacle = cached.obstacle(args);
    if (obstacle !== undefined) {
      return new Explanation({ name, status: "uncacheable", reason: `it ${obstacle}` });
    }
    named = await keys.expanded(args, cache);
    key = keys.key(named);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return new Explanation({ name, status: "uncacheable", reason: error.message });
  }
  const stored = await cache.peek(key);
  if (stored !== undefined) return await explainStored(caching, key, stored);
  const passedOver = cache instanceof RefreshingCache ? await cache.cache.peek(key) : undefined;
  if (passedOver !== undefined) return explainPassedOver(cache, passedOver);
  const digests = new Map(
    named.names.map((each, index) => [each, argumentDigest(each, named.values[index])]),
  );
  return await explainMiss({ caching, named, digests }, cache, key);
}

async function explainStored(
  { profile: { name }, cached }: Caching,
  key: string,
  call: LazyCall,
): Promise<Explanation> {
  const staleness = cached.staleness(call);
  if (staleness === "recompute") {
    const reason = "it has changed since this result was stored, and onStale says to recompute";
    return new Explanation({ name, status: "stale", key, call, reason });
  }
  try {
    await call.result();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const reason = error instanceof NotFoundError
      ? "the call is stored, but the value of its result is gone"
      : `its stored result cannot be loaded: ${error.message}`;
    return new Explanation({ name, status: "lost", key, call, reason });
  }
  const reason = staleness === "warn"
    ? "it has changed since this result was stored; raise version, or set hashCode"
    : undefined;
  return new Explanation({ name, status: "hit", key, call, reason });
}

function explainPassedOver(cache: BaseCache, call: LazyCall): Explanation {
  const reason =
    `it is stored, but the active cache, a ${cache.constructor.name}, does not find it`;
  return new Explanation({ name: call.name, status: "miss", key: call.key, call, reason });
}

async function explainMiss(wanted: Wanted, cache: BaseCache, key: string): Promise<Explanation> {
  const { name } = wanted.caching.profile;
  let closest: { call: LazyCall; distance: number } | undefined;
  for await (const call of cache.query({ name }).take(MAX_CANDIDATES)) {
    if (call.key === key) return explainPassedOver(cache, call);
    const distance = distanceOf(wanted, call);
    if (closest === undefined || distance < closest.distance) closest = { call, distance };
    if (distance === 1) break;
  }
  if (closest === undefined) {
    const reason = `no call of a function "${name}" is`;
    return new Explanation({ name, status: "miss", key, reason });
  }
  const { call } = closest;
  return new Explanation({
    name,
    status: "miss",
    key,
    call,
    differences: [
      ...identityDifferences(wanted, call),
      ...orderDifferences(wanted, call),
      ...await argumentDifferences(wanted, call, cache),
    ],
  });
}

// How many components differ.
function distanceOf(wanted: Wanted, call: LazyCall): number {
  return identityDifferences(wanted, call).length + orderDifferences(wanted, call).length +
    differingArguments(wanted, call).length;
}

// The order of the parameters counts, that of those which only one of the calls has aside.
function orderDifferences({ digests }: Wanted, call: LazyCall): Difference[] {
  const names = call.detach().arguments.map(([name]) => name);
  const stored = names.filter((name) => digests.has(name)).join(", ");
  const given = [...digests.keys()].filter((name) => names.includes(name)).join(", ");
  return stored === given ? [] : [{ component: "order", path: "order", stored, given }];
}

function identityDifferences({ caching, named }: Wanted, call: LazyCall): Difference[] {
  const { name: _, ...stored } = hashedIdentity(call);
  const given = hashedIdentity({ ...caching.profile.identity, deps: named.deps });
  const found: Difference[] = [];
  for (const component of ["module", "version", "code", "deps"] as const) {
    if (stored[component] === given[component]) continue;
    found.push({
      component,
      path: component,
      stored: componentText(component, stored[component]),
      given: componentText(component, given[component]),
    });
  }
  return found;
}

function componentText(
  component: Difference["component"],
  value: string | number | null,
): string | undefined {
  if (value === null) return undefined;
  const isDigest = component === "code" || component === "deps";
  return isDigest ? shortDigest(String(value)) : described(value);
}

// The names of the arguments that differ, in the order of the call, then of the stored one.
function differingArguments({ digests }: Wanted, call: LazyCall): string[] {
  const slots = new Map(call.detach().arguments);
  const names = new Set([...digests.keys(), ...slots.keys()]);
  return [...names].filter((name) => {
    const slot = slots.get(name);
    return slot === undefined || slotDigest(slot) !== digests.get(name);
  });
}

async function argumentDifferences(
  wanted: Wanted,
  call: LazyCall,
  cache: BaseCache,
): Promise<Difference[]> {
  const found: Difference[] = [];
  for (const name of differingArguments(wanted, call)) {
    const places = await differencesOf(name, wanted, call, cache);
    found.push(...places.map((each) => ({ component: "argument" as const, ...each })));
  }
  return found;
}

async function differencesOf(
  name: string,
  { named, digests }: Wanted,
  call: LazyCall,
  cache: BaseCache,
): Promise<Omit<Difference, "component">[]> {
  const slot = call.detach().arguments.find(([each]) => each === name)?.[1];
  const digest = digests.get(name);
  const given = await loaded(async () => {
    const value = named.values[named.names.indexOf(name)];
    return value instanceof Digest ? await cache.loadValue(value) : value;
  });
  const stored = slot === undefined ? undefined : await loaded(() => call.argument(name));
  if (given !== undefined && stored !== undefined) {
    const places = await loaded(() => differences(name, stored.value, given.value));
    if (places !== undefined && places.value.length > 0) return places.value;
  }
  const text = async (each: Loaded<unknown> | undefined, digest: string | undefined) => {
    if (digest === undefined) return undefined;
    const words = each && await loaded(() => described(each.value));
    return words?.value ?? shortDigest(digest);
  };
  const storedDigest = slot === undefined ? undefined : slotDigest(slot);
  return [{
    path: name,
    stored: await text(stored, storedDigest),
    given: await text(given, digest),
  }];
}

interface Loaded<T> {
  readonly value: T;
}

// Undefined where only the digest is known, or no type is registered for what is stored; and whatever
// the user's own types throw, the call can be explained by digests.
async function loaded<T>(load: () => T | Promise<T>): Promise<Loaded<T> | undefined> {
  try {
    return { value: await load() };
  } catch {
    return undefined;
  }
}
