import type { BaseCache } from "../caches/base_cache.ts";
import { CallRecord } from "../call_record.ts";
import { NotFoundError, RejectedError } from "../errors.ts";
import { VERSION } from "../version.ts";
import { batches } from "./_batches.ts";
import { IncomingValues } from "./incoming_values.ts";
import type { ProtocolLimits } from "./limits.ts";
import { readFilter } from "./query_filter.ts";
import { redact } from "./redact.ts";
import type { ServedRequest } from "./served_request.ts";
import { sendValues } from "./send_values.ts";

/** What the methods work on. */
export interface Served {
  readonly cache: BaseCache;
  readonly cacheName: string | null;
  readonly config: unknown;
  readonly limits: ProtocolLimits;
}

/** Answers one kind of request. */
export interface Method {
  answer(request: ServedRequest): Promise<Record<string, unknown>>;
  /** Whether values may come with it. */
  readonly takesValues?: true;
  /** Whether it waits for what a client does, and so takes no place of others meanwhile. */
  readonly waits?: true;
}

/** Names that are listed in one item. */
const NAMES_TOGETHER = 1000;

/** The methods of a server, by name. */
export function methods(served: Served): ReadonlyMap<string, Method> {
  const { cache } = served;
  return new Map<string, Method>([
    ["info", { answer: () => info(served) }],
    ["ping", { answer: () => Promise.resolve({}), waits: true }],
    ["load", { answer: (request) => load(served, request) }],
    ["value", { answer: (request) => value(served, request) }],
    ["has", { answer: (request) => has(served, request) }],
    ["contains", { answer: (request) => contains(served, request) }],
    ["save", { answer: (request) => save(served, request), takesValues: true, waits: true }],
    ["evict", { answer: (request) => evict(served, request) }],
    ["list", { answer: (request) => list(served, request) }],
    ["shrink", { answer: (request) => shrink(served, request) }],
    ["stats", { answer: async () => ({ ...await cache.stats() }) }],
    ["query", { answer: (request) => query(served, request), waits: true }],
  ]);
}

async function contains(
  { cache }: Served,
  { params }: ServedRequest,
): Promise<Record<string, unknown>> {
  return { found: await cache.isReadable(params.digest("key")) };
}

async function evict(
  { cache }: Served,
  { params }: ServedRequest,
): Promise<Record<string, unknown>> {
  return { found: await cache.evict(params.digest("key")) };
}

async function info({ cache, cacheName, config }: Served): Promise<Record<string, unknown>> {
  return {
    cache: redact(config),
    cache_name: cacheName,
    read_only: cache.isReadOnly,
    version: VERSION,
    deno: Deno.version.deno,
    cwd: Deno.cwd(),
    hostname: Deno.hostname(),
    executable: Deno.execPath(),
    pid: Deno.pid,
    ordered: await cache.isOrdered(),
  };
}

// Values that are small together go out with the call; the client asks for others as it needs them.
async function load(
  { cache, limits }: Served,
  request: ServedRequest,
): Promise<Record<string, unknown>> {
  const call = await cache.find(request.params.digest("key"));
  if (call === undefined) return { record: null };
  const record = call.detach();
  const room = request.params.any("values") === false ? 0 : limits.inline;
  if (room > 0) await sendValues(call.values, record.resultReferences, { request, room });
  return { record: record.bytes };
}

async function value(
  { cache, limits }: Served,
  request: ServedRequest,
): Promise<Record<string, unknown>> {
  const references = request.params.references("values", limits.references);
  const parts = request.params.boolean("parts");
  return { missing: await sendValues(cache, references, { request, parts }) };
}

async function has(
  { cache, limits }: Served,
  { params }: ServedRequest,
): Promise<Record<string, unknown>> {
  const missing = await cache.missing(params.references("values", limits.references));
  return { missing: missing.map(({ digest }) => digest) };
}

// Files a call if all values that are named are there or have come with it; otherwise says which are
// not. One that is filed, but of which a named value turns out to be damaged, is filed again when that
// has come.
async function save(
  { cache, limits }: Served,
  request: ServedRequest,
): Promise<Record<string, unknown>> {
  if (cache.isReadOnly) {
    const operation = "store a call";
    throw new RejectedError(`Cannot ${operation}: the cache is read-only`, { operation });
  }
  const { params } = request;
  const record = CallRecord.receive(params.digest("key"), params.bytes("record"));
  const named = params.references("values", limits.references);
  const values = new IncomingValues(cache, limits);
  await values.take(request.values);
  const absent = await cache.missing(named.filter(({ digest }) => !values.has(digest)));
  if (absent.length > 0) return { missing: absent.map(({ digest }) => digest) };
  let failure: NotFoundError | undefined;
  try {
    await cache.accept(record, values, { arguments: true, staged: values.staged });
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    failure = error;
  }
  if (!values.isIncomplete && failure === undefined) return { missing: [] };
  // What is stored here but cannot be read, since it is damaged or not signed, has to come too: all at
  // once, since a client does not try for ever.
  const missing = await values.findUnreadable(named);
  if (failure !== undefined && missing.length === 0) throw failure;
  return { missing };
}

async function list({ cache }: Served, request: ServedRequest): Promise<Record<string, unknown>> {
  const { params } = request;
  const keys = await cache.list(params.prefix("prefix"), params.optionalCount("limit"));
  for (const some of batches(keys, NAMES_TOGETHER)) {
    if (!await request.item({ keys: some })) break;
  }
  return { count: keys.length };
}

async function shrink(
  { cache, limits }: Served,
  { params }: ServedRequest,
): Promise<Record<string, unknown>> {
  const keys = params.digests("keys", limits.references);
  const prefixes = await cache.shorten(keys);
  return { prefixes: keys.map((key) => prefixes.get(key) ?? null) };
}

async function query(
  { cache, limits }: Served,
  request: ServedRequest,
): Promise<Record<string, unknown>> {
  let count = 0;
  for await (const { key, bytes } of cache.records(readFilter(request.params, limits))) {
    if (!await request.item({ key, record: bytes })) break;
    count++;
  }
  return { count };
}
