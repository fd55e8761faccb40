import assert from "node:assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Call, ProtocolError } from "@fleche/core";
import { FRAME, type Frame, FrameReader } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { fromWireError } from "../../src/remote/wire_error.ts";
import { VERSION } from "../../src/version.ts";
import { concat } from "../remote/_bytes.ts";
import { filed, numbers, saveFrames } from "../remote/_calls.ts";
import { request } from "../remote/_frames.ts";
import { CLI, denoRun, requiredProgram } from "../remote/_program.ts";
import { HAS_SSHD } from "../remote/_sshd.ts";
import { inTime } from "../remote/_wait.ts";
import { homeVariables } from "../remote/_program.ts";
import { run, withHome } from "./_run.ts";

const { binary, isThere } = await requiredProgram();

// The frames that a server prints, and nothing else.
function framesOf(stdout: Uint8Array): Frame[] {
  const greeting = `\nfleche/1 ${VERSION}\n`;
  assert.equal(new TextDecoder().decode(stdout.subarray(0, greeting.length)), greeting);
  const reader = new FrameReader(PROTOCOL_LIMITS);
  const frames = [...reader.push(stdout.subarray(greeting.length))];
  assert.equal(reader.isInside, false);
  return frames;
}

function resultOf(frame: Frame | undefined): Record<string, unknown> {
  assert.equal(frame?.kind, FRAME.answer);
  return frame?.fields[0] as Record<string, unknown>;
}

const PROGRAMS: readonly [label: string, words: readonly string[], ignore: boolean][] = [
  ["cli.ts", CLI, false],
  ["the compiled program", [binary], !isThere],
];

for (const [label, words, ignore] of PROGRAMS) {
  const serve = [...words, "remote", "--serve"];

  Deno.test(
    `${label} serves the default cache, and warns on standard error only`,
    { ignore },
    () =>
      withHome(async (home) => {
        const call = await filed(
          new Call({ name: "f", arguments: { x: numbers(500) }, result: numbers(20_000) }),
        );
        const first = await run(serve, {
          home,
          input: concat([request(1, "info"), ...saveFrames(2, call)]),
        });
        assert.equal(first.code, 0);
        assert.match(first.stderr, /^(fleche: storing results in .*\n)?$/);
        const [one, other] = framesOf(first.stdout).sort((a, b) => a.id - b.id);
        assert.equal(resultOf(one)["cache_name"], null);
        assert.equal(resultOf(one)["cwd"], Deno.realPathSync(home));
        assert.deepEqual(resultOf(other)["missing"], []);

        // One of the files is damaged: that is said once, and not among the answers.
        const [reference] = call.record.resultReferences;
        assert(reference !== undefined);
        const { digest } = reference;
        const path = join(home, ".cache/fleche/values/v1", digest.slice(0, 2), digest);
        const bytes = Deno.readFileSync(path);
        bytes[100] = (bytes[100] as number) ^ 1;
        Deno.writeFileSync(path, bytes);
        const input = concat([
          request(1, "load", { params: { key: call.record.key } }),
          request(2, "value", { params: { values: [reference], parts: true } }),
        ]);
        const second = await run(serve, { home, input });
        assert.equal(second.code, 0);
        assert.match(second.stderr, /^fleche: A value file was damaged .*\n$/);
        const frames = framesOf(second.stdout);
        const answers = frames.filter(({ kind }) => kind === FRAME.answer);
        const [loaded, read] = answers.sort((a, b) => a.id - b.id);
        assert(resultOf(loaded)["record"] instanceof Uint8Array);
        assert.deepEqual(resultOf(read)["missing"], [digest]);
        // Its last bytes never went out.
        const chunks = frames.filter(({ kind }) => kind === FRAME.chunk);
        assert(chunks.reduce((sum, { size }) => sum + size, 0) < reference.length);
      }),
  );

  Deno.test(
    `${label} serves a named cache, read-only if told to`,
    { ignore },
    () =>
      withHome(async (home) => {
        const call = await filed(new Call({ name: "f", result: 1 }));
        const input = concat([request(1, "info"), ...saveFrames(2, call)]);
        const { code, stdout, stderr } = await run([...serve, "--cache", "memory", "--read-only"], {
          home,
          input,
        });
        assert.deepEqual([code, stderr], [0, ""]);
        const [info, refused] = framesOf(stdout).sort((a, b) => a.id - b.id);
        assert.equal(resultOf(info)["cache_name"], "memory");
        assert.equal(resultOf(info)["read_only"], true);
        assert.deepEqual(resultOf(info)["cache"], {
          values: { type: "memory" },
          calls: { type: "memory" },
        });
        assert.equal(refused?.kind, FRAME.error);
        assert.equal(fromWireError(refused?.fields[0]).name, "RejectedError");
      }),
  );

  Deno.test(
    `${label} serves nothing if there is no such cache`,
    { ignore },
    () =>
      withHome(async (home) => {
        const { code, text, stderr } = await run([...serve, "--cache", "shared"], { home });
        assert.deepEqual([code, text], [1, ""]);
        assert.match(stderr, /^fleche: There is no cache "shared"/);
      }),
  );

  Deno.test(
    `${label} ends with code 1 if the client breaks the protocol`,
    { ignore },
    () =>
      withHome(async (home) => {
        const input = new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n");
        const { code, stdout, stderr } = await run([...serve, "--cache", "memory"], {
          home,
          input,
        });
        assert.equal(code, 1);
        assert.match(stderr, /^fleche: Cannot take a frame of .*\n$/);
        const [frame] = framesOf(stdout);
        assert.deepEqual([frame?.kind, frame?.id], [FRAME.error, 0]);
        assert(fromWireError(frame?.fields[0]) instanceof ProtocolError);
      }),
  );
}

Deno.test("fleche remote --serve has given up the network when it greets", () =>
  withHome(async (home) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const script = fileURLToPath(new URL("./_network.ts", import.meta.url));
    const [program = "", ...args] = [...denoRun(script), String(listener.addr.port)];
    const child = new Deno.Command(program, {
      args,
      cwd: home,
      env: homeVariables(home),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    // The first time it can connect, so the second time is what counts.
    (await inTime(listener.accept(), "the first connection")).close();
    const reader = child.stdout.getReader();
    const { value } = await inTime(reader.read(), "the greeting");
    assert.match(new TextDecoder().decode(value), /^\nfleche\/1 /);
    reader.releaseLock();
    child.kill("SIGUSR1");
    const { code, stderr } = await inTime(child.output(), "the end");
    assert.equal(new TextDecoder().decode(stderr), "before: connected\nserving: NotCapable\n");
    assert.equal(code, 0);
  }));

const CONFIGURATION = `
[distant]
type = "ssh"
host = "far.invalid"

[[stacked]]
values.type = "memory"
calls.type = "memory"

[[stacked]]
type = "ssh"
host = "far.invalid"
`;

const SERVED: readonly [name: string, runs: boolean][] = [
  ["memory", false],
  ["distant", true],
  ["stacked", true],
];

// All programs, and those that the compiled program may start.
for (const permission of ["--allow-run", "--allow-run=ssh,git"]) {
  for (const [name, runs] of SERVED) {
    const what = runs ? "keeps what it needs to reach" : "has given up programs for";
    const title = `fleche remote --serve, with ${permission}, ${what} a ${name} cache`;
    Deno.test(title, { ignore: !HAS_SSHD }, () =>
      withHome(async (home) => {
        Deno.writeTextFileSync(join(home, "fleche.toml"), CONFIGURATION);
        const script = fileURLToPath(new URL("./_programs.ts", import.meta.url));
        const words = denoRun(script).map((word) => word === "--allow-run" ? permission : word);
        const [program = "", ...args] = [...words, name];
        const child = new Deno.Command(program, {
          args,
          cwd: home,
          env: homeVariables(home),
          stdin: "piped",
          stdout: "piped",
          stderr: "piped",
        }).spawn();
        const reader = child.stdout.getReader();
        const { value } = await inTime(reader.read(), "the greeting");
        assert.match(new TextDecoder().decode(value), /^\nfleche\/1 /);
        reader.releaseLock();
        child.kill("SIGUSR1");
        const { code, stderr } = await inTime(child.output(), "the end");
        const serving = runs ? "ended with 0" : "NotCapable";
        const expected = `before: ended with 0\nserving: ${serving}\n`;
        assert.equal(new TextDecoder().decode(stderr), expected);
        assert.equal(code, 0);
      }));
  }
}
