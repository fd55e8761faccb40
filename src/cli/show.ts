import { isDeepStrictEqual } from "node:util";
import type { Command } from "commander";
import type { BaseCache } from "../caches/base_cache.ts";
import { isJson, type Json } from "../json.ts";
import { joined, type Reference } from "../codec/encoding.ts";
import { describeSlot } from "../describe_slot.ts";
import { visible } from "../display_text.ts";
import { NotFoundError, UnknownTypeError } from "../errors.ts";
import { type LazyCall, loadSlot } from "../lazy_call.ts";
import { type Slot, slotDigest, slotReference } from "../slot.ts";
import { durationText, localTime } from "../time_text.ts";
import { type CommonOptions, wholeKey, withCacheOf, withCommon } from "./_common.ts";
import { printJson, printLines } from "./_output.ts";
import { sizeText } from "./_text.ts";

/** Longest encoding of a value that is read to describe it. */
const MAX_DESCRIBED_LENGTH = 1 << 20;

/** What is said of an argument or a result. */
interface ShownValue {
  readonly digest: string;
  /** Length of the encoding, in bytes. */
  readonly bytes: number;
  /** The value as people read it; null where it is long, or not in the cache. */
  readonly text: string | null;
  /** Whether its bytes are in the cache. */
  readonly stored: boolean;
  /** The value itself, where JSON can hold it. */
  readonly value?: Json;
}

/** Adds `fleche show`. */
export function addShowCommand(program: Command): void {
  const command = program
    .command("show")
    .argument("<key>", "the key of a call, or its first digits")
    .description("Show what is stored of a call.");
  withCommon(command).action((key: string, options: CommonOptions) =>
    withCacheOf(options, async (cache) => {
      const whole = await wholeKey(cache, key);
      const call = whole === undefined ? undefined : await cache.peek(whole);
      if (call === undefined) throw await noCall(cache, key);
      if (options.json === true) await printJson(await toJson(call, cache));
      else await printLines(await toLines(call, cache));
    })
  );
}

async function noCall(cache: BaseCache, key: string): Promise<NotFoundError> {
  const isValue = (await cache.list(key, 1)).length > 0;
  const hint = isValue ? "; a value begins with it, but only calls can be shown" : "";
  return new NotFoundError(`There is no call ${key} in the cache${hint}`, { key });
}

async function toJson(call: LazyCall, cache: BaseCache): Promise<Record<string, unknown>> {
  const { key, name, module, version, code, deps, source, hashed, metadata } = call;
  const record = call.detach();
  const args: Record<string, unknown>[] = [];
  for (const [each, slot] of record.arguments) {
    args.push({ name: each, ...await shown(slot, cache) });
  }
  const result = await shown(record.result, cache);
  const calls = await childCalls(call, cache);
  return {
    ...{ key, name, module, version, code, deps, source, hashed },
    arguments: args,
    result,
    metadata,
    calls: calls.map(([child, text]) => ({ key: child, text: text ?? null })),
  };
}

async function toLines(call: LazyCall, cache: BaseCache): Promise<string[]> {
  const { key, name, module, version, code, deps, source, metadata } = call;
  const identity = { key, name, module, version, code, deps, source };
  const record = call.detach();
  const lines = Object.entries(identity)
    .filter(([, value]) => value !== null)
    .map(([field, value]) => line(field, String(value)));
  if (record.arguments.length > 0) lines.push("arguments");
  for (const [each, slot] of record.arguments) {
    lines.push(line(`  ${each}`, valueText(await shown(slot, cache))));
  }
  lines.push(line("result", valueText(await shown(record.result, cache))));
  for (const [namespace, notes] of Object.entries(metadata)) {
    lines.push(visible(namespace));
    for (const [note, value] of Object.entries(notes)) {
      lines.push(line(`  ${note}`, noteText(note, value)));
    }
  }
  const calls = await childCalls(call, cache);
  if (calls.length > 0) lines.push("calls");
  for (const [child, text] of calls) lines.push(`  ${child}  ${visible(text ?? "(evicted)")}`);
  return lines;
}

function line(field: string, text: string): string {
  return `${visible(field).padEnd(14)} ${visible(text)}`.trimEnd();
}

function valueText({ digest, bytes, text, stored }: ShownValue): string {
  const size = bytes === 0 ? "" : `, ${sizeText(bytes)}`;
  const where = `<${digest.slice(0, 8)}${size}${stored ? "" : ", not in the cache"}>`;
  return text === null ? where : bytes <= MAX_PLAIN_LENGTH ? text : `${text} ${where}`;
}

/** Longest encoding whose text says all there is to say. */
const MAX_PLAIN_LENGTH = 100;

// Times and durations are noted in seconds.
function noteText(note: string, value: Json): string {
  if (typeof value !== "number") return typeof value === "string" ? value : JSON.stringify(value);
  if (note === "timestart" || note === "timestop") return localTime(new Date(value * 1000));
  return note === "walltime" || note === "cputime" ? durationText(value) : String(value);
}

async function shown(slot: Slot, cache: BaseCache): Promise<ShownValue> {
  const reference = slotReference(slot);
  const digest = slotDigest(slot);
  if (reference === undefined) {
    const text = describeSlot(slot) ?? null;
    return { digest, bytes: slot.length, text, stored: true, ...await jsonOf(slot, cache) };
  }
  const missing = await cache.missing([reference]);
  const stored = missing.length === 0;
  const text = stored ? await describeStored(reference, cache) : undefined;
  const value = text === undefined ? {} : await jsonOf(slot, cache);
  return { digest, bytes: reference.length, text: text ?? null, stored, ...value };
}

async function describeStored(
  reference: Reference,
  cache: BaseCache,
): Promise<string | undefined> {
  if (reference.length > MAX_DESCRIBED_LENGTH) return undefined;
  const encoding = await cache.read(reference);
  return encoding === undefined ? undefined : describeSlot(joined(encoding));
}

async function jsonOf(slot: Slot, cache: BaseCache): Promise<{ value?: Json }> {
  try {
    const value = await loadSlot(slot, cache);
    // What JSON would change, as NaN, is not in JSON.
    const isSame = isJson(value) && isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value);
    return isSame ? { value } : {};
  } catch (error) {
    // A part may be gone, and types are registered by the program that uses them.
    if (error instanceof NotFoundError || error instanceof UnknownTypeError) return {};
    throw error;
  }
}

async function childCalls(
  call: LazyCall,
  cache: BaseCache,
): Promise<[key: string, text: string | undefined][]> {
  const children: [string, string | undefined][] = [];
  for (const key of call.calls) {
    const child = await cache.peek(key);
    children.push([key, child && `${child.name}(${child.describeArguments()})`]);
  }
  return children;
}
