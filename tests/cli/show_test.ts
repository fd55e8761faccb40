import { Call, digest, registerType } from "@fleche/core";
import assert from "node:assert/strict";
import { ramp, withStore } from "./_store.ts";

Deno.test("fleche show tells all that is stored of a call", () =>
  withStore(async (store) => {
    const child = await store.save({ name: "inner", arguments: { n: 3 }, result: 1 });
    const gone = "0".repeat(64);
    const key = await store.save({
      ...{ name: "melt", module: "@lab/ice/melt.ts", version: 2 },
      arguments: { depth: 7, grid: ramp(1000), "odd\u001bname": "x" },
      result: { ice: [1, 2], water: null },
      metadata: { runtime: { timestop: 1.7e9, walltime: 90 }, tags: { project: "ice" } },
      calls: [child, gone],
    });
    const text = await store.print("show", key.slice(0, 8));
    for (
      const line of [
        `key            ${key}`,
        "module         @lab/ice/melt.ts",
        "version        2",
        "  depth        7",
        `  walltime     1 min 30 s`,
        "  project      ice",
        `  ${child}  inner(n=3)`,
        `  ${gone}  (evicted)`,
      ]
    ) assert(text.split("\n").includes(line), `${line} in\n${text}`);
    assert.match(text, /^result +\{ ice: \[1, 2\], water: null \}$/m);
    assert.match(text, /^ {2}grid +Float64Array\(1000\).* <[0-9a-f]{8}, 7\.8 KiB>$/m);
    assert(text.includes("odd\\u001bname") && !text.includes("\u001b"));

    const [json] = await store.printJson("show", key);
    assert(json !== undefined);
    assert.equal(json["key"], key);
    assert.deepEqual(json["result"], {
      digest: digest({ ice: [1, 2], water: null }).hex,
      ...{ bytes: 15, text: "{ ice: [1, 2], water: null }", stored: true },
      value: { ice: [1, 2], water: null },
    });
    const args = json["arguments"] as Record<string, unknown>[];
    assert.deepEqual(args.map(({ name, stored, value }) => [name, stored, value]), [
      ["depth", true, 7],
      ["grid", true, undefined],
      ["odd\u001bname", true, "x"],
    ]);
    assert.deepEqual(json["calls"], [{ key: child, text: "inner(n=3)" }, {
      key: gone,
      text: null,
    }]);
    assert.deepEqual(json["metadata"], {
      ...{ runtime: { timestop: 1.7e9, walltime: 90 }, tags: { project: "ice" } },
    });
  }));

Deno.test("fleche show copes with values that are gone, long, or of a type of the program", () =>
  withStore(async (store) => {
    class Point {
      constructor(readonly x: number) {}
    }
    registerType({
      name: "fleche-test/Point",
      match: (value) => value instanceof Point,
      encode: ({ x }: Point) => x,
      decode: (x) => new Point(Number(x)),
    });
    const lost = ramp(2000);
    const key = await store.cache.save(
      new Call({ name: "f", arguments: { lost, at: new Point(3) }, result: ramp(200_000) }),
    );
    await store.cache.values.delete(digest(lost).hex);
    const text = await store.print("show", key);
    assert.match(text, /^ {2}lost +<[0-9a-f]{8}, 16 KiB, not in the cache>$/m);
    assert.match(text, /^ {2}at +fleche-test\/Point 3$/m);
    assert.match(text, /^result +<[0-9a-f]{8}, 1\.5 MiB>$/m);
    const [json] = await store.printJson("show", key);
    const [first] = json?.["arguments"] as Record<string, unknown>[];
    assert.deepEqual([first?.["stored"], first?.["text"]], [false, null]);
  }));

Deno.test("fleche show says what is wrong with a key", () =>
  withStore(async (store) => {
    const result = ramp(500);
    for (let x = 0; x < 40; x++) await store.save({ name: "f", arguments: { x }, result });
    const value = digest(result).hex;
    const wrong: [args: string[], code: number, says: RegExp][] = [
      [["0".repeat(64)], 1, /^fleche: There is no call 0{64} in the cache\n$/],
      [[value], 1, /There is no call .*; a value begins with it/],
      [["xyz"], 1, /xyz/],
      [[], 2, /missing required argument 'key'/],
      [[value, value], 2, /too many arguments/],
    ];
    await Promise.all(wrong.map(async ([args, code, says]) => {
      assert.match(await store.fail(code, "show", ...args), says);
    }));
  }));
