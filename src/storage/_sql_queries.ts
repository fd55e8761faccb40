import type { CallRecord } from "../call_record.ts";
import type { Json } from "../json.ts";
import { describeSlot } from "../describe_slot.ts";
import type { RecordFilter } from "../record_filter.ts";
import { slotDigest } from "../slot.ts";
import type { Script, SqlValue, Statement } from "./_sql_driver.ts";

/** A record by its key. */
export const SELECT = 'SELECT record FROM calls WHERE "key" = ?';

/** Whether there is a record. */
export const EXISTS = 'SELECT 1 AS found FROM calls WHERE "key" = ?';

/** The number of the database. */
export const SELECT_ID = "SELECT id FROM fleche_identity";

/** Gives the database its number, unless it has one. */
export const INSERT_ID = "INSERT INTO fleche_identity (one, id) VALUES (1, ?)";

const DELETE_ARGUMENTS =
  'DELETE FROM arguments WHERE "call" = (SELECT id FROM calls WHERE "key" = ?)';
const DELETE = 'DELETE FROM calls WHERE "key" = ?';

/** Records read at once. */
const PAGE = 100;

/** Entries listed at once. */
const LONG_PAGE = 1000;

/** Keys that rows are looked up by at once. */
export const KEYS_AT_ONCE = 100;

/** Records that hold one value, looked at at once: one will do, unless it only refers to the value. */
const EMBEDDED_PAGE = 10;

/** Arguments inserted at once; databases bound the parameters of a statement. */
const ARGUMENTS_AT_ONCE = 100;

/** Calls counted to find out which of several arguments is the rarest. */
const COUNTED = 1000;

/** Arguments that a database is told to look for; with each one, planning takes longer. */
export const MAX_ARGUMENTS = 4;

/** Arguments of a filter that are counted to find out which are rare. */
const MAX_COUNTED = 32;

/** An argument's name and the digest of its value. */
export type Argument = readonly [name: string, digest: string];

/** Longest text in a column with an index, in UTF-16 code units; servers bound the keys of indexes. */
export const MAX_NAME = 200;

// A text that is searched for, as its column has it.
function cut(text: string): string;
function cut(text: string | null): string | null;
function cut(text: string | null): string | null {
  return text === null || text.length <= MAX_NAME ? text : text.slice(0, MAX_NAME);
}

/**
 * The statements that store a record.
 *
 * @param bytes what is stored of it
 */
export function* insertion(record: CallRecord, bytes: Uint8Array, now: string): Script<void> {
  const { key, module, version, code, deps, source, result, metadata } = record;
  const name = cut(record.name);
  // A record that is replaced counts as new, and takes its place in front.
  yield* deletion(key);
  const id = yield [
    `INSERT INTO calls
      ("key", name, module, version, code, deps, source, result, result_text, metadata, record, filed)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${now})`,
    [
      ...[
        key,
        name,
        cut(module),
        versionText(version),
        cut(code),
        deps,
        source,
        slotDigest(result),
      ],
      ...[describeSlot(result) ?? null, JSON.stringify(metadata), bytes],
    ],
  ];
  const rows = record.arguments.map(([argument, slot], position) => [
    ...[id, position, name, cut(argument), slotDigest(slot), describeSlot(slot) ?? null],
  ]);
  for (let at = 0; at < rows.length; at += ARGUMENTS_AT_ONCE) {
    const some = rows.slice(at, at + ARGUMENTS_AT_ONCE);
    yield [insertArguments(some.length), some.flat()];
  }
}

function insertArguments(count: number): string {
  return 'INSERT INTO arguments ("call", position, call_name, name, digest, text) VALUES ' +
    new Array(count).fill("(?, ?, ?, ?, ?, ?)").join(", ");
}

/** The statements that remove a record; how many there were. */
export function* deletion(key: string): Script<number> {
  yield [DELETE_ARGUMENTS, [key]];
  return yield [DELETE, [key]];
}

/** The statements that put a record aside, if it is stored as these bytes; how many there were. */
export function* settingAside(key: string, bytes: Uint8Array, now: string): Script<number> {
  const isThat = '"key" = ? AND record = ?';
  yield [
    `INSERT INTO quarantined_calls ("key", found, record)
      SELECT "key", ${now}, record FROM calls WHERE ${isThat}`,
    [key, bytes],
  ];
  yield [
    `DELETE FROM arguments WHERE "call" = (SELECT id FROM calls WHERE ${isThat})`,
    [key, bytes],
  ];
  return yield [`DELETE FROM calls WHERE ${isThat}`, [key, bytes]];
}

/** Renews the age of a record. */
export function touching(key: string, now: string): Statement {
  return [`UPDATE calls SET filed = ${now} WHERE "key" = ?`, [key]];
}

// Databases differ in whether a limit may be a parameter; there are few different ones this way.
function atMost(limit: number): string {
  if (limit > 2 ** 30) return "";
  return ` LIMIT ${2 ** Math.ceil(Math.log2(Math.max(1, limit)))}`;
}

/** Keys that begin with a prefix, at least as many as asked for, if there are. */
export function listing(prefix: string, limit: number): Statement {
  const sql = `SELECT "key" FROM calls WHERE "key" >= ? AND "key" < ?${atMost(limit)}`;
  return [sql, [prefix, `${prefix}g`]];
}

/** Digests of embedded values that begin with a prefix, at least as many as asked for. */
export function listingEmbedded(prefix: string, limit: number): Statement {
  const sql = `
    SELECT digest FROM arguments WHERE digest >= ? AND digest < ? AND text IS NOT NULL
    UNION SELECT result AS digest FROM calls
    WHERE result >= ? AND result < ? AND result_text IS NOT NULL${atMost(limit)}`;
  return [sql, [prefix, `${prefix}g`, prefix, `${prefix}g`]];
}

/** Records that embed a value, some of them at a time. */
export function* embedding(digest: string): Generator<Statement, void, number> {
  const sources = [
    'SELECT "key", record FROM calls WHERE result = ? AND result_text IS NOT NULL',
    `SELECT c."key", c.record FROM arguments a CROSS JOIN calls c
      WHERE c.id = a."call" AND a.digest = ? AND a.text IS NOT NULL`,
  ];
  for (const source of sources) {
    for (let offset = 0;; offset += EMBEDDED_PAGE) {
      const found = yield [`${source} LIMIT ${EMBEDDED_PAGE} OFFSET ${offset}`, [digest]];
      if (found < EMBEDDED_PAGE) break;
    }
  }
}

/** Rows in an order that is theirs by id, the first of them at once and the rest by their keys. */
export interface Listing {
  /** The newest, at most `limit`, in no order, with `id` and `key`; one of them can be there twice. */
  readonly newest: Statement;
  /** How many `newest` gives where there are more. */
  readonly limit: number;
  /** All of them, in no order, with nothing but `id` and `key`. */
  readonly all: Statement;
  /** Those that have one of `KEYS_AT_ONCE` keys, in no order, as `newest` gives them. */
  readonly byKeys: string;
}

const BY_KEYS = `"key" IN (${new Array(KEYS_AT_ONCE).fill("?").join(", ")})`;

const ENTRY = 'SELECT id, "key", octet_length(record) AS length, filed FROM calls';

/** What is known of all records. */
export const ENTRIES: Listing = {
  newest: [`${ENTRY} ORDER BY id DESC LIMIT ${LONG_PAGE}`, []],
  limit: LONG_PAGE,
  all: ['SELECT id, "key" FROM calls', []],
  byKeys: `${ENTRY} WHERE ${BY_KEYS}`,
};

/** Those of the arguments of a filter that are counted: first those whose values differ. */
export function countedArguments(all: readonly Argument[]): readonly Argument[] {
  if (all.length <= MAX_COUNTED) return all;
  const different = new Map(all.map((argument) => [argument[1], argument]));
  return [...new Set([...different.values(), ...all])].slice(0, MAX_COUNTED);
}

/** Counts the calls that have an argument, up to a thousand. */
export function counting(filter: RecordFilter, argument: Argument): Statement {
  const { sql, parameters } = conditions([
    ["a.digest = ?", argument[1]],
    ...filter.name === undefined ? [] : [["a.call_name = ?", cut(filter.name)] as const],
    ["a.name = ?", cut(argument[0])],
  ]);
  return [
    `SELECT count(*) AS n FROM (SELECT 1 AS one FROM arguments a WHERE ${sql} LIMIT ${COUNTED}) m`,
    parameters,
  ];
}

/**
 * The records that match. What finds their ids reads no more of the rows than it has to, and puts them
 * in order.
 *
 * Everything is found that matches. What should be compared byte by byte is looked at again in the
 * records: a text can be cut short in its column, of metadata it is the text that is searched, and
 * of many arguments only some are.
 *
 * @param rarest a few of the filter's arguments, of which the first leads to the calls
 */
export function records(filter: RecordFilter, rarest: readonly Argument[] = []): Listing {
  const [first, ...others] = rarest;
  const { ids, keys, parameters } = first === undefined
    ? searchOfCalls(filter)
    : searchOfArguments(filter, first, others);
  return {
    newest: [
      `SELECT c.id, c."key", c.record FROM (${ids} ORDER BY id DESC LIMIT ${PAGE}) m
        CROSS JOIN calls c WHERE c.id = m.id`,
      parameters,
    ],
    limit: PAGE,
    all: [keys, parameters],
    byKeys: `SELECT id, "key", record FROM calls WHERE ${BY_KEYS}`,
  };
}

type Condition = readonly [sql: string, ...parameters: SqlValue[]];

interface Where {
  readonly sql: string;
  readonly parameters: SqlValue[];
}

function conditions(list: readonly Condition[]): Where {
  return {
    sql: list.map(([sql]) => sql).join(" AND "),
    parameters: list.flatMap(([, ...parameters]) => parameters),
  };
}

/** Statements for ids, and for ids with keys, which take the same parameters. */
interface Search {
  readonly ids: string;
  readonly keys: string;
  readonly parameters: SqlValue[];
}

function searchOfCalls(filter: RecordFilter): Search {
  const { name } = filter;
  const { sql, parameters } = conditions([
    ...name === undefined ? [] : [["d.name = ?", cut(name)] as const],
    ...callConditions(filter),
  ]);
  const from = `FROM calls d${sql === "" ? "" : ` WHERE ${sql}`}`;
  return { ids: `SELECT d.id ${from}`, keys: `SELECT d.id, d."key" ${from}`, parameters };
}

function searchOfArguments(
  filter: RecordFilter,
  [argument, digest]: Argument,
  others: readonly Argument[],
): Search {
  const { name } = filter;
  const ofCall = callConditions(filter);
  const { sql, parameters } = conditions([
    ["a.digest = ?", digest],
    ...name === undefined ? [] : [["a.call_name = ?", cut(name)] as const],
    ["a.name = ?", cut(argument)],
    ...others.map(([other, itsDigest]) =>
      [
        `EXISTS (SELECT 1 FROM arguments b
          WHERE b."call" = a."call" AND b.call_name = a.call_name AND b.name = ? AND b.digest = ?)`,
        ...[cut(other), itsDigest],
      ] as const
    ),
    ...ofCall,
  ]);
  const joined = `FROM arguments a CROSS JOIN calls d WHERE d.id = a."call" AND ${sql}`;
  // Where nothing but the arguments counts, the index has all of it.
  const from = ofCall.length === 0 ? `FROM arguments a WHERE ${sql}` : joined;
  return {
    ids: `SELECT a."call" AS id ${from}`,
    keys: `SELECT d.id, d."key" ${joined}`,
    parameters,
  };
}

function callConditions(filter: RecordFilter): Condition[] {
  const { module, version, code, result, metadata } = filter;
  const found: Condition[] = [];
  const compare = (column: string, value: string | null | undefined) => {
    if (value === null) found.push([`d.${column} IS NULL`]);
    else if (value !== undefined) found.push([`d.${column} = ?`, cut(value)]);
  };
  compare("result", result);
  compare("module", module);
  compare("version", version === undefined ? undefined : versionText(version));
  compare("code", code);
  for (const text of notesOf(metadata ?? {})) found.push(["instr(d.metadata, ?) > 0", text]);
  return found;
}

/** How a version stands in its column. */
function versionText(version: string | number | null): string | null {
  return version === null ? null : cut(JSON.stringify(version));
}

// What the metadata's text holds where the notes are among them.
function notesOf(metadata: NonNullable<RecordFilter["metadata"]>): string[] {
  return Object.entries(metadata).flatMap(([namespace, notes]) => [
    `${JSON.stringify(namespace)}:{`,
    ...Object.entries(notes).map(([name, value]) =>
      `${JSON.stringify(name)}:${JSON.stringify(inOrder(value))}`
    ),
  ]);
}

// Records keep the names of objects in order.
function inOrder(value: Json): Json {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== "object" || value === null) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, inOrder(value[name] as Json)]));
}
