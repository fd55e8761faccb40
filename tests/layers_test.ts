import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const REPOSITORY = new URL("../", import.meta.url);

/**
 * The layers of src/, lowest first. A file imports from its own layer and from those below it;
 * a name that ends in a slash is a folder with all that is in it.
 */
const LAYERS: readonly (readonly string[])[] = [
  [
    "bytes.ts",
    "errors.ts",
    "digest.ts",
    "log.ts",
    "nearest.ts",
    "paths.ts",
    "version.ts",
    "in_time.ts",
    "map_ahead.ts",
    "places.ts",
    "isolation.ts",
    "kinds.ts",
    "json.ts",
  ],
  ["codec/"],
  [
    ...[
      "slot.ts",
      "lookup_key.ts",
      "call_record.ts",
      "record_filter.ts",
      "describe_slot.ts",
      "call.ts",
    ],
    ...["lazy_call.ts", "prepared_call.ts", "metadata/"],
    ...["query.ts", "query_call.ts", "query_keys.ts", "query_steps.ts", "transfer.ts"],
    ...["call_table.ts", "display_text.ts", "time_text.ts"],
    ...["profile/", "pure.ts", "function_profile.ts", "value_difference.ts"],
  ],
  ["storage/"],
  ["caches/"],
  ["remote/"],
  ["config/"],
  [
    ...[
      "flights.ts",
      "claim_turn.ts",
      "process_setting.ts",
      "context.ts",
      "identities.ts",
      "function_keys.ts",
      "cache_in_time.ts",
      "call_notes.ts",
      "cached_function.ts",
    ],
    ...[
      "caching.ts",
      "check_options.ts",
      "explanation.ts",
      "explain.ts",
      "fleche_options.ts",
      "handles.ts",
      "method.ts",
      "subclass.ts",
    ],
    "fleche.ts",
  ],
  ["cli/"],
];

/** One import of one file from another; both are paths below src/. */
interface Import {
  readonly from: string;
  readonly to: string;
  /** Whether nothing of it is left when the program runs. */
  readonly typeOnly: boolean;
}

interface ModuleGraph {
  modules: {
    specifier: string;
    dependencies?: {
      specifier: string;
      code?: { specifier: string };
      type?: { specifier: string };
    }[];
  }[];
}

function importsOf(entry: string): Import[] {
  const { stdout, success } = new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", fileURLToPath(new URL(entry, REPOSITORY))],
  }).outputSync();
  assert(success);
  const graph: ModuleGraph = JSON.parse(new TextDecoder().decode(stdout));
  const root = new URL("src/", REPOSITORY).href;
  return graph.modules
    .filter(({ specifier }) => specifier.startsWith(root))
    .flatMap(({ specifier, dependencies = [] }) =>
      dependencies.flatMap(({ code, type }) => {
        const target = code?.specifier ?? type?.specifier ?? "";
        if (!target.startsWith(root)) return [];
        const [from, to] = [specifier, target].map((each) => each.slice(root.length));
        assert(from !== undefined && to !== undefined);
        return [{ from, to, typeOnly: code === undefined }];
      })
    );
}

const LIBRARY = importsOf("mod.ts");
const ALL = [
  ...new Map([...LIBRARY, ...importsOf("cli.ts")].map((each) => [written(each), each])).values(),
];

function layerOf(file: string): number {
  return LAYERS.findIndex((names) =>
    names.some((name) => name.endsWith("/") ? file.startsWith(name) : file === name)
  );
}

function filesBelow(folder: URL, prefix = ""): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory
      ? filesBelow(new URL(`${name}/`, folder), `${prefix}${name}/`)
      : name.endsWith(".ts")
      ? [prefix + name]
      : []
  );
}

function written({ from, to }: Import): string {
  return `${from} imports ${to}`;
}

Deno.test("every file in src/ has a layer and is part of the program", () => {
  const files = filesBelow(new URL("src/", REPOSITORY));
  assert.deepEqual(files.filter((file) => layerOf(file) === -1), []);
  const used = new Set(ALL.flatMap(({ from, to }) => [from, to]));
  assert.deepEqual(files.filter((file) => !used.has(file)), []);
});

Deno.test("no import goes upward", () => {
  assert(ALL.length > 100);
  const upward = ALL.filter(({ from, to }) => layerOf(from) < layerOf(to));
  assert.deepEqual(upward.map(written), []);
});

Deno.test("no imports go in a circle, those of types included", () => {
  const targets = new Map<string, Set<string>>();
  for (const { from, to } of ALL) {
    targets.set(from, (targets.get(from) ?? new Set()).add(to));
  }
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) {
      circles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
      return;
    }
    if (done.has(file)) return;
    for (const target of targets.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  assert.deepEqual(circles, []);
});

Deno.test("no storage needs another one", () => {
  const shared = ["storage/storage.ts", "storage/seal.ts"];
  const isStorage = (file: string) => /^storage\/[^_]/.test(file) && !shared.includes(file);
  const siblings = ALL.filter(({ from, to, typeOnly }) =>
    isStorage(from) && isStorage(to) && !typeOnly
  );
  assert.deepEqual(siblings.map(written), []);
});

Deno.test("what begins with an underscore is used in its own folder only", () => {
  const folder = (file: string) => file.slice(0, file.lastIndexOf("/") + 1);
  const foreign = ALL.filter(({ from, to }) => {
    return to.slice(folder(to).length).startsWith("_") && folder(from) !== folder(to);
  });
  assert.deepEqual(foreign.map(written), []);
});

Deno.test("the library does not hold the command line", () => {
  const cli = LIBRARY.filter(({ from, to }) => from.startsWith("cli/") || to.startsWith("cli/"));
  assert.deepEqual(cli.map(written), []);
  const others = ALL.filter(({ from, to }) => to.startsWith("cli/") && !from.startsWith("cli/"));
  assert.deepEqual(others.map(written), []);
});
