import {
  type Cache,
  Call,
  type CallRow,
  CallTable,
  digest,
  type Metadata,
  type TextOptions,
} from "@fleche/core";
import assert from "node:assert/strict";
import { displayWidth } from "../src/display_text.ts";
import { memory } from "./caches/_doubles.ts";

const FINISHED = new Date(2024, 4, 6, 7, 8, 9);

function runtime(walltime: number): Metadata {
  return { runtime: { timestop: FINISHED.getTime() / 1000, walltime } };
}

async function tableOf(...calls: readonly Call[]): Promise<CallTable> {
  const cache = memory();
  for (const call of calls) await cache.save(call);
  return await cache.query().table();
}

function simple(name: string, x: unknown, walltime = 1): Call {
  return new Call({ name, version: 1, arguments: { x }, result: 1, metadata: runtime(walltime) });
}

Deno.test("CallTable holds what is known of each call", async () => {
  const large = "y".repeat(3000);
  const call = new Call({
    ...{ name: "f", module: "p/m.ts", version: "1", arguments: { x: [1] }, result: large },
    metadata: runtime(2),
  });
  const table = await tableOf(simple("g", 1), call);
  assert.deepEqual(table.columns, [
    ...["key", "name", "module", "version", "arguments", "result", "finished", "walltime"],
  ]);
  const row: CallRow = {
    ...{ key: call.key, shortKey: call.key.slice(0, 4), name: "f", module: "p/m.ts", version: "1" },
    ...{ arguments: "x=[1]", result: `<${digest(large).hex.slice(0, 8)}>` },
    ...{ finished: FINISHED, walltime: 2 },
  };
  assert.deepEqual(table.rows[0], row);
  assert.deepEqual([...table], table.rows);
  assert.deepEqual(table.column("name"), ["f", "g"]);
  assert.deepEqual(table.column("version"), ["1", 1]);
});

Deno.test("CallTable leaves out times that are none", async () => {
  const notes: Metadata[] = [
    { runtime: { timestop: 1e300, walltime: -1 } },
    { runtime: { timestop: "now", walltime: null } },
    { runtime: {} },
    {},
  ];
  for (const metadata of notes) {
    const table = await tableOf(new Call({ name: "f", result: 1, metadata }));
    assert.deepEqual(table.column("finished"), [undefined]);
    assert.deepEqual(table.column("walltime"), [undefined]);
    assert.match(String(table), /^key {3}name {2}.*\n\w{4} {2}f$/);
    assert.match(table.toCsv(), /,,\r\n$/);
    assert.match(table.toJsonLines(), /"finished":null,"walltime":null\}\n$/);
  }
});

// Calls whose keys begin alike, found by trying.
function neighbours(digits: number): [Call, Call] {
  const byStart = new Map<string, Call>();
  for (let x = 0;; x++) {
    const call = new Call({ name: "f", arguments: { x }, result: 1 });
    const start = call.key.slice(0, digits);
    const other = byStart.get(start);
    if (other !== undefined) return [other, call];
    byStart.set(start, call);
  }
}

Deno.test("CallTable shows as many digits of a key as the cache needs to find it", async () => {
  const [one, other] = neighbours(5);
  const cache = memory();
  for (const each of [one, other]) await cache.save(each);
  // Only one of them is in the table, but both are in the cache.
  const { rows: [row] } = await cache.query({ key: one.key }).table();
  assert(row !== undefined && row.shortKey.length > 5);
  assert.equal(await cache.expand(row.shortKey), one.key);
  await cache.evict(other.key);
  assert.deepEqual((await cache.query().table()).column("shortKey"), [one.key.slice(0, 4)]);
});

Deno.test("CallTable shows eight digits where the cache cannot tell", async () => {
  const cache: Cache = memory();
  const key = await cache.save(simple("f", 1));
  cache.list = () => Promise.reject(new Error("no lists"));
  const { warn } = console;
  const warnings: unknown[] = [];
  console.warn = (text: unknown) => void warnings.push(text);
  try {
    assert.deepEqual((await cache.query().table()).column("shortKey"), [key.slice(0, 8)]);
  } finally {
    console.warn = warn;
  }
  assert.deepEqual(warnings, ["fleche: Cannot tell how short keys may be: no lists"]);
  const [call] = await Array.fromAsync(cache.query());
  assert(call !== undefined);
  assert.deepEqual(new CallTable([call]).column("shortKey"), [key.slice(0, 8)]);
});

Deno.test("CallTable makes many keys short in few lists", async () => {
  const cache = memory();
  for (let x = 0; x < 600; x++) {
    await cache.save(new Call({ name: "f", arguments: { x }, result: x }));
  }
  const { list } = cache;
  let lists = 0;
  cache.list = (prefix, limit) => {
    lists++;
    return list.call(cache, prefix, limit);
  };
  const table = await cache.query().table();
  assert(lists <= 256, `${lists} lists`);
  cache.list = list;
  const short = table.column("shortKey");
  assert(short.some(({ length }) => length > 4));
  assert.deepEqual(await Promise.all(short.map((each) => cache.expand(each))), table.column("key"));
  assert.deepEqual(await cache.shrink(...table.column("key")), short);
});

Deno.test("CallTable.toString() fits the width that is given", async () => {
  const table = await tableOf(
    simple("simulateTheWholeClimate", { grid: "g".repeat(60), steps: [1, 2, 3] }, 0.0012),
    simple("f", "short", 184),
    simple("日本語の名前", "数".repeat(80)),
  );
  for (let width = 1; width <= 220; width++) {
    const lines = table.toString({ width }).split("\n");
    assert.equal(lines.length, 4);
    for (const line of lines) assert(displayWidth(line) <= width, `${width}: ${line}`);
  }
  const [header, ...lines] = table.toString({ width: 100 }).split("\n");
  assert.match(header ?? "", /^key {3}name {21}version {2}arguments {21}finished {13}took$/);
  assert.match(
    lines[0] ?? "",
    /^\w{4} {2}日本語の名前 {13}1 .*数… {1,3}2024-05-06 07:08:09 {2}1\.0 s$/,
  );
  assert.match(lines[1] ?? "", /^\w{4} {2}f {24}1 .*x="short" +2024-05-06 07:08:09 {2}3 min 4 s$/);
  assert.match(
    lines[2] ?? "",
    /^\w{4} {2}simulateTheWholeClimate .*… {2}2024-05-06 07:08:09 {2}1\.2 ms$/,
  );
  // Wide enough for all of it: nothing is cut.
  assert.doesNotMatch(table.toString({ width: 400 }), /…/);
  assert.equal(table.toString({ width: 400 }), table.toString({ width: 300 }));
});

Deno.test("CallTable.toString() aligns columns by the cells they take", async () => {
  const table = await tableOf(simple("數值", 1), simple("plain", 2), simple("e\u0301té", 3));
  const starts = String(table).split("\n").map((line) => {
    const before = /^(.*)(?:arguments|x=\d)/.exec(line)?.[1] ?? "";
    return displayWidth(before);
  });
  assert.equal(new Set(starts).size, 1);
});

const HOSTILE = `<script>alert("1")</script>&'\u001b[2J\u202e\n`;

Deno.test("CallTable shows what controls a terminal as escapes", async () => {
  const controls = "\u001b[2J\u202e\n";
  const table = await tableOf(simple(controls, controls));
  const shapes: TextOptions[] = [{}, { width: 100 }];
  for (const options of shapes) {
    const text = table.toString(options);
    assert.equal(text.split("\n").length, 2);
    assert.match(text, /\\u001b\[2J\\u202e\\u000a/);
    assert.match(text, /x="\\u001b\[2J/);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  }
});

Deno.test("CallTable shows in Jupyter as text and as HTML in which everything is escaped", async () => {
  const call = new Call({
    ...{ name: HOSTILE, module: HOSTILE, version: HOSTILE, arguments: { [HOSTILE]: HOSTILE } },
    ...{ result: HOSTILE, metadata: runtime(184) },
  });
  const table = await tableOf(call);
  const display = Reflect.get(table, Symbol.for("Jupyter.display")).call(table);
  assert.deepEqual(Object.keys(display), ["text/plain", "text/html"]);
  assert.equal(display["text/plain"], String(table));
  const html: string = display["text/html"];
  assert.equal(html, table.toHtml());
  const tags = [...html.matchAll(/<[^>]*>?/g)].map(([tag]) => tag);
  assert.deepEqual(
    new Set(tags.map((tag) => tag.replace("/", ""))),
    new Set(["<table>", "<thead>", "<tbody>", "<tr>", "<th>", "<td>"]),
  );
  assert.equal(tags.filter((tag) => tag === "<td>").length, 8);
  assert.doesNotMatch(html.replaceAll(/<\/?t\w+>/g, ""), /[<>"']|&(?!(amp|lt|gt|quot|#39);)/);
  assert.match(html, /<td>&lt;script&gt;alert\(&quot;1&quot;\)&lt;\/script&gt;&amp;&#39;\\u001b/);
  assert.match(html, /<td>2024-05-06 07:08:09<\/td><td>3 min 4 s<\/td><\/tr><\/tbody><\/table>$/);
});

// RFC 4180, section 2.
function parseCsv(text: string): string[][] {
  assert(text.endsWith("\r\n"));
  const rows: string[][] = [];
  const row: string[] = [];
  for (
    const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)
  ) {
    row.push(quoted === undefined ? plain ?? "" : quoted.replaceAll('""', '"'));
    if (end === "\r\n") rows.push(row.splice(0));
  }
  return rows;
}

Deno.test("CallTable.toCsv() writes every column, quoted where it must be", async () => {
  const call = new Call({
    ...{ name: 'say "hi", twice\r\n', module: "a,b", version: 2, arguments: { x: "é\n", y: 1 } },
    ...{ result: [1, "two"], metadata: runtime(0.5) },
  });
  const table = await tableOf(call, simple("plain", 1));
  const rows = parseCsv(table.toCsv());
  assert.deepEqual(rows[0], [...table.columns]);
  assert.deepEqual(rows[1]?.slice(0, 6), [
    ...[simple("plain", 1).key, "plain", "", "1", "x=1", "1"],
  ]);
  const [key, name, module, version, args, result, finished = "", walltime] = rows[2] ?? [];
  assert.deepEqual({ key, name, module, version, args, result, walltime }, {
    ...{ key: call.key, name: call.name, module: "a,b", version: "2", walltime: "0.5" },
    ...{ args: 'x="é\\n", y=1', result: '[1, "two"]' },
  });
  assert.match(finished, /^2024-05-06T07:08:09\.000[+-]\d\d:\d\d$/);
  assert.equal(new Date(finished).getTime(), FINISHED.getTime());
  assert.equal(rows.length, 3);
});

Deno.test("CallTable.toCsv() keeps spreadsheets from running what a call holds", async () => {
  const formulas = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r\n=1", '=HYPERLINK("x")'];
  const table = await tableOf(
    ...formulas.map((name) => new Call({ name, module: name, version: -1, result: -1 })),
  );
  const escaped = parseCsv(table.toCsv()).slice(1).reverse();
  const kept = parseCsv(table.toCsv({ formulas: "keep" })).slice(1).reverse();
  for (const [index, formula] of formulas.entries()) {
    assert.deepEqual(escaped[index]?.slice(1, 3), [`'${formula}`, `'${formula}`]);
    assert.deepEqual(kept[index]?.slice(1, 3), [formula, formula]);
    // A number is one, whatever it begins with.
    assert.equal(escaped[index]?.[3], "-1");
  }
});

Deno.test("CallTable.toJsonLines() writes one object for each call", async () => {
  const call = new Call({
    ...{
      name: "f\u2028\n",
      version: "1",
      arguments: { x: 1n },
      result: null,
      metadata: runtime(3),
    },
  });
  const lines = (await tableOf(call, simple("g", 2))).toJsonLines().split("\n");
  assert.deepEqual(lines.pop(), "");
  const [first, second] = lines.map((line) => JSON.parse(line));
  assert.equal(new Date(second.finished).getTime(), FINISHED.getTime());
  assert.match(second.finished, /^2024-05-06T07:08:09\.000[+-]\d\d:\d\d$/);
  assert.deepEqual({ ...second, finished: "" }, {
    ...{ key: call.key, name: "f\u2028\n", module: null, version: "1" },
    ...{ arguments: "x=1n", result: "null", finished: "", walltime: 3 },
  });
  assert.equal(first.version, 1);
  assert.equal((await tableOf()).toJsonLines(), "");
  assert.equal((await tableOf()).toCsv(), `${(await tableOf()).columns.join(",")}\r\n`);
});

/** What no terminal should get: a title, a colour by one character, and text that runs backwards. */
const CONTROLS = ["\u001b]0;x\u0007", "\u009b31m", "\u202eabc", "a\u2028b", "\u007f", "\u{e0041}"];

Deno.test("no table passes on what controls a terminal", async () => {
  const table = await tableOf(...CONTROLS.map((text) =>
    new Call({
      ...{ name: text, module: text, version: text, arguments: { [text]: text }, result: text },
      metadata: runtime(1),
    })
  ));
  const forms = [table.toString(), table.toHtml(), table.toCsv(), table.toJsonLines()];
  for (const form of [...forms, table.toCsv({ formulas: "keep" })]) {
    assert.doesNotMatch(form.replaceAll(/\r?\n/g, ""), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  }
  const names = table.toJsonLines().trimEnd().split("\n").map((line) => JSON.parse(line).name);
  assert.deepEqual(names, [...CONTROLS].reverse());
});

Deno.test("toCsv() keeps tabs and line breaks, and escapes other controls", async () => {
  const [line] = (await tableOf(simple("a\tb\nc\rd", 1))).toCsv().split("\r\n").slice(1);
  assert.match(line ?? "", /,"a\tb\nc\\u000dd",/);
});
