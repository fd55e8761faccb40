import assert from "node:assert";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import {
  AmbiguousDigestError,
  Cache,
  Call,
  CallMemory,
  digest,
  fleche,
  NotFoundError,
  registerType,
  RejectedError,
  ValueMemory,
  withCache,
} from "@fleche/core";
import { FRAME, type Frame, FrameReader } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { HAS_PYTHON, PYTHON } from "../_python.ts";
import { largeCall, numbers } from "./_calls.ts";
import { denoRun } from "./_program.ts";
import { PROGRAM, Site } from "./_site.ts";
import { HAS_SSHD } from "./_sshd.ts";
import { warningsOf } from "./_warnings.ts";
import { quoteWord } from "../../src/remote/ssh_command.ts";

const ignore = !HAS_SSHD;
const program = PROGRAM.map(quoteWord).join(" ");

// A program that serves, and keeps what comes in from the client.
function recording(
  site: Site,
): { command: string[]; sent: () => Uint8Array; frames: () => Frame[] } {
  const path = site.path("sent");
  const command = [site.script("recording", `tee '${path}' | ${program} "$@"`)];
  const sent = () => Deno.readFileSync(path);
  return { command, sent, frames: () => [...new FrameReader(PROTOCOL_LIMITS).push(sent())] };
}

Deno.test("SshCache does what a cache on this side does", { ignore }, async () => {
  await using site = await Site.start();
  await using far = site.cache();
  const call = largeCall();
  const key = await far.save(call);
  assert.equal(key, call.key);
  const loaded = await far.load(key);
  assert.deepEqual(await loaded.result(), call.result);
  assert.deepEqual(await loaded.arguments(), call.arguments);
  assert.deepEqual(await far.loadValue(digest(call.result)), call.result);
  assert.deepEqual(await far.loadValue(digest(5)), 5);
  assert.equal(await far.contains(key), true);
  assert.equal(await far.contains("a".repeat(64)), false);
  assert.equal(await far.expand(key.slice(0, 12)), key);
  assert.equal(await far.contains(key.slice(0, 12)), true);
  assert.equal((await far.load(key.slice(0, 12))).key, key);
  const short = await far.shrink(key);
  assert.equal(await far.expand(short), key);
  assert.equal(await far.evict("a".repeat(64)), false);
  assert.equal(await far.evict(key), true);
  assert.equal(await far.contains(key), false);
  await assert.rejects(far.load(key), NotFoundError);
  await assert.rejects(far.loadValue("b".repeat(64)), NotFoundError);
  await assert.rejects(far.expand(key), NotFoundError);
});

Deno.test("SshCache finds the calls of the other side by a template", { ignore }, async () => {
  await using site = await Site.start();
  await using far = site.cache();
  for (let x = 0; x < 300; x++) {
    await far.save(new Call({ name: x % 3 === 0 ? "f" : "g", arguments: { x }, result: 2 * x }));
  }
  const found: unknown[] = [];
  for await (const call of far.query({ name: "f" })) found.push(await call.argument("x"));
  assert.deepEqual(
    found.sort((one, two) => Number(one) - Number(two)),
    Array.from({ length: 100 }, (_, index) => 3 * index),
  );
  for await (const _ of far.query()) break;
  assert.equal(await far.query().count(), 300);
  // Four digits are too few for some of 300 keys, and their results.
  const keys: string[] = [];
  for await (const { key } of far.query()) keys.push(key);
  assert.equal(keys.length, 300);
  const shortened = await far.shrink(...keys);
  for (const [index, each] of shortened.entries()) assert(keys[index]?.startsWith(each));
  const starts = new Map<string, number>();
  for (const key of await far.list("")) {
    starts.set(key.slice(0, 4), (starts.get(key.slice(0, 4)) ?? 0) + 1);
  }
  const ambiguous = [...starts].find(([, count]) => count > 1)?.[0];
  if (ambiguous !== undefined) await assert.rejects(far.expand(ambiguous), AmbiguousDigestError);
});

Deno.test(
  "SshCache passes values of types that the other side does not know",
  { ignore },
  async () => {
    class Lattice {
      constructor(readonly name: string, readonly cells: Float64Array) {}
    }
    registerType<Lattice, [string, Float64Array]>({
      name: "test/Lattice",
      match: (value) => value instanceof Lattice,
      encode: ({ name, cells }) => [name, cells],
      decode: ([name, cells]) => new Lattice(name, cells),
    });
    await using site = await Site.start();
    await using far = site.cache();
    const [small, large] = [
      new Lattice("small", numbers(3)),
      new Lattice("large", numbers(50_000)),
    ];
    const key = await far.save(
      new Call({ name: "grow", arguments: { small }, result: [large, small] }),
    );
    await far.reconnect();
    const call = await far.load(key);
    assert.deepEqual(await call.result(), [large, small]);
    assert(await call.argument("small") instanceof Lattice);
  },
);

Deno.test("SshCache carries values of many megabytes and many parts", { ignore }, async () => {
  await using site = await Site.start();
  await using far = site.cache();
  const result = {
    one: numbers(1_500_000),
    many: Array.from({ length: 60 }, (_, seed) => numbers(10_000, seed)),
    text: "é".repeat(200_000),
  };
  const key = await far.save(new Call({ name: "f", result }));
  await far.reconnect();
  assert.deepEqual(await (await far.load(key)).result(), result);
});

Deno.test("SshCache has many loads and saves under way at a time", { ignore }, async () => {
  await using site = await Site.start();
  await using far = site.cache();
  const seeds = Array.from({ length: 100 }, (_, index) => index + 1);
  const result = (seed: number) => numbers(seed % 10 === 0 ? 100_000 : 500, seed);
  const keys = await Promise.all(
    seeds.map((seed) =>
      far.save(new Call({ name: "f", arguments: { seed }, result: result(seed) }))
    ),
  );
  const loaded = await Promise.all(keys.map(async (key) => (await far.load(key)).result()));
  assert.deepEqual(loaded, seeds.map(result));
});

Deno.test("SshCache stores arguments as they were before the body ran", { ignore }, async () => {
  await using site = await Site.start();
  await using far = site.cache();
  const argument = numbers(20_000);
  const call = new Call({ name: "f", arguments: { argument } });
  const prepared = await far.prepare(call);
  argument.fill(0);
  const key = await prepared.commit({ result: 1 });
  assert.deepEqual(await (await far.load(key)).argument("argument"), numbers(20_000));
});

Deno.test("SshCache sends a large value only where it is missing", { ignore }, async () => {
  await using site = await Site.start();
  const { command, sent } = recording(site);
  const grid = numbers(400_000);
  const save = async (name: string) => {
    await using far = site.cache({ command });
    await far.save(new Call({ name, arguments: { grid }, result: 1 }));
    await far.close();
    return sent().length;
  };
  assert(await save("one") > grid.byteLength);
  assert(await save("two") < 2000);
});

Deno.test(
  "SshCache takes one round trip for a hit, and one for a save of small values",
  { ignore },
  async () => {
    await using site = await Site.start();
    const { command, frames } = recording(site);
    await using far = site.cache({ command });
    const call = new Call({ name: "f", arguments: { x: numbers(300) }, result: numbers(1000) });
    const key = await far.save(call);
    assert.deepEqual(await (await far.load(key)).result(), numbers(1000));
    await far.close();
    const requests = frames().filter(({ kind }) => kind === FRAME.request);
    assert.deepEqual(requests.map(({ fields }) => fields[0]), ["info", "save", "load"]);
  },
);

Deno.test(
  "SshCache stores files on the other side that print their own name",
  { ignore },
  async () => {
    await using site = await Site.start();
    await using far = site.cache();
    const result = { grid: numbers(30_000), label: "é" };
    await far.save(new Call({ name: "f", arguments: { text: "x".repeat(5000) }, result }));
    const folder = site.path("own", "values", "v1");
    let count = 0;
    for (const { name: shard } of Deno.readDirSync(folder)) {
      for (const { name } of Deno.readDirSync(`${folder}/${shard}`)) {
        const bytes = Deno.readFileSync(`${folder}/${shard}/${name}`);
        assert.equal(createHash("sha256").update(bytes).digest("hex"), name);
        count++;
      }
    }
    // The argument, and the grid; the rest of the result stands in the record.
    assert.equal(count, 2);
  },
);

Deno.test(
  "SshCache stores files that Python reads",
  { ignore: ignore || !HAS_PYTHON },
  async () => {
    await using site = await Site.start();
    await using far = site.cache();
    const result = {
      label: "é \ufeff",
      list: Array.from({ length: 2000 }, (_, index) => index - 250),
      nested: { half: 0.5, nothing: null, yes: true },
    };
    await far.save(new Call({ name: "f", result }));
    const { hex } = digest(result);
    const path = site.path("own", "values", "v1", hex.slice(0, 2), hex);
    const script =
      "import json, msgpack, sys; print(json.dumps(msgpack.load(open(sys.argv[1], 'rb'))))";
    const { stdout } = await new Deno.Command(PYTHON, { args: ["-c", script, path] }).output();
    assert.deepEqual(JSON.parse(new TextDecoder().decode(stdout)), result);
  },
);

Deno.test(
  "SshCache works in its folder, after its setup commands, with its variables",
  { ignore },
  async () => {
    await using site = await Site.start();
    Deno.mkdirSync(site.path("my project's"));
    Deno.writeTextFileSync(
      site.path("my project's", "fleche.toml"),
      '[default]\ncache = "project"\nroot = true\n[project]\nvalues = { type = "memory" }\n' +
        'calls = { type = "sql", url = "sqlite:///calls.db" }\n',
    );
    await using far = site.cache({
      workdir: "~/my project's",
      setupCommands: ["pwd > ~/pwd", 'printf %s "$GREETING" > ~/greeting', "echo noise"],
      env: { GREETING: "it's a $HOME" },
    });
    const info = await far.info();
    assert.equal(info.cwd, Deno.realPathSync(site.path("my project's")));
    assert.deepEqual(Reflect.get(info.cache as object, "values"), { type: "memory" });
    await far.save(new Call({ name: "f", result: 1 }));
    assert(Deno.statSync(site.path("my project's", "calls.db")).isFile);
    assert.equal(Deno.readTextFileSync(site.path("pwd")).trim(), info.cwd);
    assert.equal(Deno.readTextFileSync(site.path("greeting")), "it's a $HOME");
  },
);

Deno.test("SshCache serves as the cache of a wrapped function", { ignore }, async () => {
  await using site = await Site.start();
  let runs = 0;
  const triple = fleche((x: number) => (runs++, { x, cells: numbers(x) }), {
    name: "triple",
    module: "test",
    version: 1,
  });
  for (const [expected, round] of [[1, 1], [1, 2]] as const) {
    await using far = site.cache();
    await withCache(far, async () => {
      assert.deepEqual(await triple(50_000), { x: 50_000, cells: numbers(50_000) });
      assert.equal(await triple.contains(50_000), true);
      assert.equal(runs, expected, `in round ${round}`);
    });
  }
  await using far = site.cache();
  await withCache(far, async () => {
    await triple.rerun(50_000);
    assert.equal(runs, 2);
    assert.equal(await triple.evict(50_000), true);
    assert.equal(await triple.contains(50_000), false);
  });
});

Deno.test("SshCache that is read-only refuses without asking", { ignore }, async () => {
  await using site = await Site.start();
  const { command, frames } = recording(site);
  Deno.writeTextFileSync(
    site.path("fleche.toml"),
    '[default]\ncache = "fixed"\nroot = true\n[fixed]\nread_only = true\n' +
      'values = { type = "memory" }\ncalls = { type = "memory" }\n',
  );
  await using far = site.cache({ command, workdir: "~" });
  await far.info();
  assert.equal(far.isReadOnly, true);
  const call = new Call({ name: "f", result: 1 });
  // Before the body of a function would run.
  await assert.rejects(far.prepare(call), RejectedError);
  await assert.rejects(far.save(call), RejectedError);
  await assert.rejects(far.evict(call.key), RejectedError);
  assert.equal(await far.contains(call.key), false);
  await far.close();
  const requests = frames().filter(({ kind }) => kind === FRAME.request);
  assert.deepEqual(requests.map(({ fields }) => fields[0]), ["info", "contains"]);
});

Deno.test("SshCache warns once of another version", { ignore }, async () => {
  await using site = await Site.start();
  const command = denoRun(fileURLToPath(new URL("./_old_server.ts", import.meta.url)));
  const warnings = await warningsOf(async () => {
    await using far = site.cache({ command });
    assert.equal((await far.info()).version, "9.9.9");
    await assert.rejects(far.load("a".repeat(64)), NotFoundError);
    await far.reconnect();
  });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] as string, /9\.9\.9/);
});

Deno.test("SshCache takes over calls of another cache, bytes as they are", { ignore }, async () => {
  await using site = await Site.start();
  await using near = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
  await using far = site.cache();
  const key = await near.save(largeCall());
  const call = await near.load(key);
  await far.accept(call.detach(), near, { arguments: true });
  const copy = await far.load(key);
  assert.deepEqual(copy.detach().bytes, call.detach().bytes);
  assert.deepEqual(await copy.arguments(), largeCall().arguments);
});

for (const host of ["", "-oProxyCommand=touch x", "--"]) {
  Deno.test(`SshCache refuses ${JSON.stringify(host)} as a host`, async () => {
    const { SshCache } = await import("@fleche/core");
    assert.throws(() => new SshCache({ host }), TypeError);
  });
}
