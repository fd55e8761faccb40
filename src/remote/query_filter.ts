/**
 * What a query searches for, as the parameters of its request. Fields that a server does not know it
 * leaves out, so that it may send more than was asked for; clients filter again.
 *
 * @module
 */

import { CallRecord } from "../call_record.ts";
import type { Json } from "../json.ts";
import { CorruptValueError, ProtocolError, UnknownTypeError } from "../errors.ts";
import { errorOnce } from "../log.ts";
import type { RecordFilter } from "../record_filter.ts";
import type { ProtocolLimits } from "./limits.ts";
import type { Params } from "./params.ts";

/** The parameters of a query; conditions that are more than a server takes are left out. */
export function filterParams(
  filter: RecordFilter,
  limits: ProtocolLimits,
): Record<string, unknown> {
  const { arguments: args, metadata, ...rest } = filter;
  const isWhole = conditions(filter) <= limits.conditions;
  return {
    filter: isWhole ? given({ ...rest, arguments: args, metadata }) : rest,
  };
}

function given(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function conditions({ arguments: args = {}, metadata = {} }: RecordFilter): number {
  return Object.values(metadata)
    .reduce((sum, notes) => sum + 1 + Object.keys(notes).length, Object.keys(args).length);
}

/**
 * Reads what a client searches for.
 *
 * @throws {ProtocolError} If it is not as it should be, or more than the limit allows.
 */
export function readFilter(params: Params, limits: ProtocolLimits): RecordFilter {
  const fields = params.table("filter");
  const args = fields.table("arguments");
  const filter: RecordFilter = {
    ...(fields.has("name") ? { name: fields.string("name") } : {}),
    ...(fields.has("module") ? { module: fields.optionalString("module") ?? null } : {}),
    ...(fields.has("version") ? { version: readVersion(fields) } : {}),
    ...(fields.has("code") ? { code: fields.optionalString("code") ?? null } : {}),
    ...(fields.has("result") ? { result: fields.digest("result") } : {}),
    ...(fields.has("arguments")
      ? { arguments: Object.fromEntries(args.names.map((each) => [each, args.digest(each)])) }
      : {}),
    ...(fields.has("metadata") ? { metadata: readMetadata(fields.table("metadata")) } : {}),
  };
  if (conditions(filter) > limits.conditions) {
    const message =
      `Cannot search for more than ${limits.conditions} arguments and notes at a time`;
    throw new ProtocolError(message, { limit: "conditions" });
  }
  return filter;
}

function readVersion(fields: Params): string | number | null {
  const version = fields.any("version");
  return typeof version === "number" ? version : fields.optionalString("version") ?? null;
}

function readMetadata(spaces: Params): Record<string, Record<string, Json>> {
  return Object.fromEntries(spaces.names.map((space) => [space, readNotes(spaces.table(space))]));
}

function readNotes(notes: Params): Record<string, Json> {
  return Object.fromEntries(notes.names.map((name) => [name, notes.json(name)]));
}

/** Reads a record that a server sent; undefined, with an error in the log, if it cannot be read. */
export function readRecord(params: Params, host: string): CallRecord | undefined {
  const key = params.digest("key");
  try {
    return CallRecord.receive(key, params.bytes("record"));
  } catch (error) {
    if (!(error instanceof CorruptValueError) && !(error instanceof UnknownTypeError)) throw error;
    errorOnce(
      `unreadable ${host} ${key}`,
      ["remote", host],
      `Passing over a call on ${host}: ${error.message}`,
    );
    return undefined;
  }
}
