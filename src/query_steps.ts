/**
 * What a query makes of the calls that it finds, one after the other.
 *
 * @module
 */

import type { LazyCall } from "./lazy_call.ts";
import { mapAhead } from "./map_ahead.ts";
import { compareKeys, type KeyFunction, KeyIndex } from "./query_keys.ts";

/** The first calls. */
export async function* take(
  calls: AsyncIterable<LazyCall>,
  count: number,
): AsyncIterable<LazyCall> {
  let left = count;
  if (left === 0) return;
  for await (const call of calls) {
    yield call;
    if (--left === 0) return;
  }
}

/** All but the first calls. */
export async function* skip(
  calls: AsyncIterable<LazyCall>,
  count: number,
): AsyncIterable<LazyCall> {
  let left = count;
  for await (const call of calls) {
    if (left > 0) left--;
    else yield call;
  }
}

/** The calls for which a function returns true. */
export async function* filter(
  calls: AsyncIterable<LazyCall>,
  predicate: (call: LazyCall) => boolean | Promise<boolean>,
): AsyncIterable<LazyCall> {
  for await (const call of calls) if (await predicate(call)) yield call;
}

/** The first call of each key. */
export async function* unique(
  calls: AsyncIterable<LazyCall>,
  key: KeyFunction,
): AsyncIterable<LazyCall> {
  const firsts = new KeyIndex<LazyCall>();
  for await (const call of calls) {
    if (firsts.ensure(await key(call), () => call) === call) yield call;
  }
}

/** The calls in the order of their keys, once all have been read. */
export async function* sorted(
  calls: AsyncIterable<LazyCall>,
  key: KeyFunction,
  direction: 1 | -1,
): AsyncIterable<LazyCall> {
  const keyed = await Array.fromAsync(withKeys(calls, key));
  keyed.sort(([, one], [, other]) => compareKeys(one, other, direction));
  for (const [call] of keyed) yield call;
}

/** The calls with their keys, several of which are computed at a time. */
export function withKeys(
  calls: AsyncIterable<LazyCall>,
  key: KeyFunction,
): AsyncIterable<readonly [call: LazyCall, key: unknown]> {
  return mapAhead(calls, async (call) => [call, await key(call)] as const);
}
