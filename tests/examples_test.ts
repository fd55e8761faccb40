import { CallSql, withCache } from "@fleche/core";
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import config from "../deno.json" with { type: "json" };
import {
  analyseCarbonDioxide,
  fitCarbonDioxide,
  readCarbonDioxide,
} from "../examples/demo/carbon_dioxide.ts";
import { readDataFile } from "../examples/demo/data.ts";
import { analyseSeismicity, readEarthquakes } from "../examples/demo/earthquakes.ts";
import { Random } from "../examples/demo/random.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Replicates that keep a run short. */
const FEW = ["--bootstrap", "200"];

/** The permissions that the demo's task gives. */
const PERMISSIONS = config.tasks.demo.command.split(" ").filter((word) => word.startsWith("--"));

interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(
  file: string,
  args: readonly string[],
  options: { permissions?: readonly string[]; env?: Record<string, string> } = {},
): Promise<Output> {
  const { permissions = PERMISSIONS, env = {} } = options;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", ...permissions, `examples/${file}`, ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** What the demo says of its calls, its results and itself. */
interface Report {
  /** As "computed decluster", in the order of the calls. */
  readonly calls: readonly string[];
  readonly results: string;
  readonly seconds: number;
}

async function demo(folder: string, ...args: readonly string[]): Promise<Report> {
  const { code, stdout, stderr } = await run("demo.ts", ["--cache", folder, ...args]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  const [, calls = "", results = ""] = /\nCalls\n([^]*)\n(Earthquakes: [^]*)\nStored calls/
    .exec(stdout) ?? [];
  const [, time, unit] = /\d+ calls computed and \d+ loaded in ([\d.]+) (s|ms),/.exec(stdout) ?? [];
  assert.match(results, /Digest of all results.*\n[0-9a-f]{64}\n/);
  return {
    calls: [...calls.matchAll(/^ {2}(computed|loaded) +(\w+)/gm)].map(([, how, name]) =>
      `${how} ${name}`
    ),
    results,
    seconds: Number(time) * (unit === "s" ? 1 : 1e-3),
  };
}

async function withFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await fn(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function storedCalls(folder: string): Promise<number> {
  await using calls = new CallSql({ url: join(folder, "calls.db") });
  return (await Array.fromAsync(calls.records())).length;
}

const REGION = ["analyseSeismicity", "decluster", "fitBValue", "fitBValue", "bootstrapBValue"];
const CARBON_DIOXIDE = ["analyseCarbonDioxide", "fitCarbonDioxide", "bootstrapCarbonDioxide"];
const STEPS = [
  ...["readEarthquakes", ...REGION, ...REGION, ...REGION],
  ...["readCarbonDioxide", ...CARBON_DIOXIDE],
];
const OUTER_STEPS = STEPS.filter((name) => /^(read|analyse)/.test(name));

const computed = (name: string) => `computed ${name}`;
const loaded = (name: string) => `loaded ${name}`;

Deno.test("demo computes everything once, then loads it with the same results", async () => {
  await withFolder(async (folder) => {
    const first = await demo(folder, ...FEW);
    assert.deepEqual(first.calls, STEPS.map(computed));
    assert.equal(await storedCalls(folder), STEPS.length);

    const second = await demo(folder, ...FEW);
    assert.deepEqual(second.calls, OUTER_STEPS.map(loaded));
    assert.equal(second.results, first.results);
    assert.equal(await storedCalls(folder), STEPS.length);
    assert.ok(second.seconds < 1, `${second.seconds} s`);

    const again = await demo(folder, ...FEW, "--rerun");
    assert.deepEqual(again.calls, STEPS.map(computed));
    assert.equal(again.results, first.results);
    await withFolder(async (other) => {
      assert.equal((await demo(other, ...FEW)).results, first.results);
    });
  });
});

Deno.test("demo computes only what depends on a changed option", async () => {
  await withFolder(async (folder) => {
    const first = await demo(folder, ...FEW);

    const block = await demo(folder, ...FEW, "--block", "24");
    assert.deepEqual(block.calls, [
      ...OUTER_STEPS.slice(0, -1).map(loaded),
      computed("analyseCarbonDioxide"),
      loaded("fitCarbonDioxide"),
      computed("bootstrapCarbonDioxide"),
    ]);
    assert.notEqual(block.results, first.results);

    // A later seed changes what is random, and nothing else.
    const seed = await demo(folder, ...FEW, "--seed", "2");
    const isRandom = (name: string) => /^(analyse|bootstrap)/.test(name);
    assert.deepEqual(
      seed.calls,
      STEPS.map((name) => isRandom(name) ? computed(name) : loaded(name)),
    );

    // From magnitude 4 on, only the worldwide network has enough earthquakes to go on.
    const magnitude = await demo(folder, ...FEW, "--min-magnitude", "4");
    const region = [computed("analyseSeismicity"), loaded("decluster"), computed("fitBValue")];
    assert.deepEqual(magnitude.calls, [
      loaded("readEarthquakes"),
      ...[...region, computed("fitBValue")],
      ...[...region, computed("fitBValue")],
      ...[...region, computed("fitBValue"), computed("bootstrapBValue")],
      ...[loaded("readCarbonDioxide"), loaded("analyseCarbonDioxide")],
    ]);
    assert.match(magnitude.results, /Alaska +297 +173 +4\.0 +\d+ +- +needs 30 or more/);
  });
});

Deno.test("demo explains what is wrong with its arguments", async () => {
  const wrong: [args: string[], message: RegExp][] = [
    [["--bogus"], /^Unknown option '--bogus'/],
    [["surplus"], /^Unexpected argument 'surplus'/],
    [["--bootstrap"], /^Option '--bootstrap <value>' argument missing/],
    [["--bootstrap", "99"], /^--bootstrap takes a whole number from 100 to 100000, not "99"/],
    [["--bootstrap", "1e3"], /^--bootstrap takes .* not "1e3"/],
    [["--seed", "-1"], /^--seed takes a whole number from 0 on, not "-1"/],
    [["--min-magnitude", "4.25"], /^--min-magnitude takes .* in steps of 0\.1, not "4\.25"/],
    [["--block", "241"], /^--block takes a whole number from 1 to 240/],
    [["--cache", "deno.json"], /^Cannot store anything in deno\.json: /],
  ];
  await Promise.all(wrong.map(async ([args, message]) => {
    const { code, stdout, stderr } = await run("demo.ts", args);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: "" });
    assert.match(stderr, message);
    assert.match(stderr, /^.+\nSee deno task demo --help\n$/);
  }));
  const { code, stdout } = await run("demo.ts", ["--help"]);
  assert.equal(code, 0);
  assert.match(stdout, /--min-magnitude M/);
});

// NumPy, by other means: declustering with haversine distances, lstsq, percentile; the generator from
// its authors' C code.
Deno.test("analyseSeismicity() agrees with NumPy", async () => {
  await withCache("memory", async () => {
    const catalogue = await readEarthquakes(await readDataFile("earthquakes.json"));
    const networks = ["ci", "nc", "nn"];
    const options = { catalogue, networks, replicates: 200, seed: 1 };
    const { events, mainshocks, completeness, count, bOfAll, b } = await analyseSeismicity(options);
    assert.deepEqual([events, mainshocks, completeness, count], [998, 249, 1, 135]);
    near([bOfAll, b?.value], [0.7712430431200139, 0.5656512788899084], 1e-12);
    near([b?.low, b?.high], [0.4678211, 0.81291721], 1e-7);
  });
});

Deno.test("analyseCarbonDioxide() agrees with NumPy", async () => {
  await withCache("memory", async () => {
    const record = await readCarbonDioxide(await readDataFile("co2-concentration.csv"));
    const { parameters } = await fitCarbonDioxide(record);
    near([...parameters], [
      ...[352.042473, 1.59297299, 0.0130538729],
      ...[-1.04268972, 2.65294013, 0.691400095, -0.431253395],
    ], 1e-6);
    const options = { record, blockMonths: 60, replicates: 200, seed: 1 };
    const { growthOf1960s, growthOf2010s, swing, scatter } = await analyseCarbonDioxide(options);
    near(
      [growthOf1960s.value, growthOf2010s.value, swing.value, scatter],
      [0.9402793435076, 2.2456666378929, 6.3983984519997, 0.7562845066443],
      1e-11,
    );
    near([growthOf1960s.low, growthOf1960s.high], [0.88755284, 0.98844428], 1e-7);
    near([growthOf2010s.low, growthOf2010s.high], [2.18751772, 2.30076453], 1e-7);
    near([swing.low, swing.high], [6.22511479, 6.57719814], 1e-7);
  });
});

function near(actual: readonly unknown[], expected: readonly number[], tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (const [index, value] of expected.entries()) {
    const difference = Math.abs(Number(actual[index]) - value);
    assert.ok(difference <= tolerance, `${actual[index]} is not ${value}`);
  }
}

Deno.test("Random gives the numbers of xoshiro128** seeded by SplitMix64", () => {
  const numbers = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 5 }, () => random.uint32());
  };
  assert.deepEqual(numbers(1), [1695105466, 1423115009, 634581793, 1068227753, 716759206]);
  assert.deepEqual(
    numbers(Number.MAX_SAFE_INTEGER),
    [1233166643, 1287031142, 661813442, 2960669951, 2601079046],
  );
});

/** A home of its own, and Deno's folder where it is. */
async function homeIn(folder: string): Promise<Record<string, string>> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const { denoDir } = JSON.parse(new TextDecoder().decode(stdout));
  return { HOME: folder, XDG_CACHE_HOME: join(folder, ".cache"), DENO_DIR: denoDir };
}

Deno.test("first.ts stores its result in the user's cache folder", async () => {
  await withFolder(async (folder) => {
    const env = await homeIn(folder);
    const first = await run("first.ts", [], { env });
    assert.equal(first.code, 0);
    assert.match(first.stdout, /^216816 primes below 3,000,000, after [\d.]+ s\n$/);
    assert.match(first.stderr, /^fleche: storing results in .*, since no fleche\.toml names/);
    // Nothing is said of storing where nothing is stored.
    const second = await run("first.ts", [], { env });
    assert.match(second.stdout, /^216816 primes/);
    assert.equal(second.stderr, "");
    assert.equal(await storedCalls(join(folder, ".cache", "fleche")), 1);
  });
});

Deno.test("types.ts builds the class of a loaded result anew", async () => {
  const { code, stdout, stderr } = await run("types.ts", []);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  const [one, wide, two, narrow, third, ...rest] = stdout.trimEnd().split("\n");
  assert.equal(one, "Interpolating with 30 terms");
  assert.match(wide ?? "", /^At 0\.2 the series for width 0\.5 is off by -?\de-1\d$/);
  assert.equal(two, one);
  assert.match(narrow ?? "", /^At 0\.2 the series for width 0\.25 is off by -?\de-6$/);
  assert.equal(third, wide);
  assert.deepEqual(rest, []);
});

Deno.test("query.ts finds what it has stored by arguments and results", async () => {
  const { code, stdout, stderr } = await run("query.ts", []);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  const lines = stdout.trimEnd().split("\n");
  assert.deepEqual(lines.slice(0, 5), [
    "9 calls are stored",
    "One of them gave 6.383",
    "midpoint is off by 1e-4 at most: amplitude 0.5, step 0.01",
    "euler is off by 1e-3 at most: amplitude 2, step 0.001",
    "3 calls were not good enough, and are gone",
  ]);
  const [header, ...rows] = lines.slice(5);
  assert.match(header ?? "", /^key +name +version +arguments +finished +took$/);
  assert.equal(rows.length, 6);
  for (const row of rows) {
    assert(row.length <= 80);
    assert.match(row, /^[0-9a-f]{4,} +period +1 +amplitude=[\d.]+, method=.* [\d.]+ (µs|ms|s)$/);
  }
});

Deno.test("remote.ts prints its usage without a host", async () => {
  const { code, stdout, stderr } = await run("remote.ts", []);
  assert.deepEqual({ code, stdout }, { code: 2, stdout: "" });
  assert.match(stderr, /^Usage: deno run \[permissions\] examples\/remote\.ts user@host/);
});

Deno.test("remote.ts finds here what it has stored there", async () => {
  await withFolder(async (folder) => {
    // The far end is this machine: what ssh would run there, its stand-in runs here.
    const ssh = join(folder, "ssh");
    await Deno.writeTextFile(ssh, '#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n');
    await Deno.chmod(ssh, 0o755);
    const env = { ...await homeIn(folder), PATH: `${folder}:${Deno.env.get("PATH")}` };
    const permissions = [...PERMISSIONS, "--allow-run=ssh"];
    const fleche = `"${Deno.execPath()}" run -A "${join(ROOT, "cli.ts")}"`;
    const first = await run("remote.ts", ["somewhere", fleche], { permissions, env });
    assert.equal(first.stderr, "");
    assert.match(first.stdout, /\nComputing the orbit of r = 3\.83\n/);
    assert.match(first.stdout, /three points: 0\.15614\d+, 0\.50466\d+, 0\.95741\d+\n/);
    assert.match(first.stdout, /\nIt is here now: true\n$/);
    assert.equal(await storedCalls(join(folder, ".cache", "fleche")), 1);
    assert.equal(await storedCalls(join(folder, ".cache", "fleche-example")), 1);
    const second = await run("remote.ts", ["somewhere", fleche], { permissions, env });
    assert.doesNotMatch(second.stdout, /Computing/);
  });
});

Deno.test("method.ts computes once for equal objects and explains what differs", async () => {
  const { code, stdout, stderr } = await run("method.ts", []);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  const [begin, computed, loaded, explanation, difference, ...rest] = stdout.trimEnd().split("\n");
  assert.equal(begin, "Integrating to 20");
  assert.match(computed ?? "", /^\d+\.\d\d prey and \d+\.\d\d predators$/);
  assert.equal(loaded, computed);
  assert.match(explanation ?? "", /^Population\.after is not stored; the closest stored call is/);
  assert.equal(difference, "  this.rates.hunt: 0.4 -> 0.5");
  assert.deepEqual(rest, []);
});

Deno.test("provenance.ts notes where its results come from", async () => {
  const permissions = [
    "--no-prompt",
    "--allow-read",
    "--allow-env",
    "--allow-sys",
    "--allow-run=git",
  ];
  const { code, stdout, stderr } = await run("provenance.ts", [], { permissions });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  const [result, ...lines] = stdout.trimEnd().split("\n");
  assert.match(result ?? "", /^leibniz gave 3\.14158/);
  const expected = [
    "callinfo: caller, depth, parent",
    "environment: arch, cwd, deno, fleche, hostname, os, username, v8",
    ...lines.some((line) => line.startsWith("git:")) ? ["git: branch, commit, dirty, root"] : [],
    "runtime: cputime, timestart, timestop, walltime",
    "tags: project, quality",
  ];
  assert.deepEqual(lines.slice(0, -1), expected);
  assert.match(lines.at(-1) ?? "", /^called from @fleche\/core\/examples\/provenance\.ts:\d+$/);
});
