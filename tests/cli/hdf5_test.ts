import { Call } from "@fleche/core";
import assert from "node:assert/strict";
import { join } from "node:path";
import { FRAME, type Frame, FrameReader } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { concat } from "../remote/_bytes.ts";
import { filed, numbers, saveFrames } from "../remote/_calls.ts";
import { request } from "../remote/_frames.ts";
import { CLI, requiredProgram } from "../remote/_program.ts";
import { filesBelow } from "../storage/_temporary_folder.ts";
import { run, withHome } from "./_run.ts";

const { binary, isThere } = await requiredProgram();

const PROGRAMS: readonly [label: string, words: readonly string[], ignore: boolean][] = [
  ["cli.ts", CLI, false],
  ["the compiled program", [binary], !isThere],
];

const CONFIG = '[shared]\ntemplate = "hdf5"\nroot = "store"\n';

function framesOf(stdout: Uint8Array): Frame[] {
  const greeting = new TextDecoder("latin1").decode(stdout.subarray(0, 100)).indexOf("\n", 1) + 1;
  return [...new FrameReader(PROTOCOL_LIMITS).push(stdout.subarray(greeting))];
}

for (const [label, words, ignore] of PROGRAMS) {
  Deno.test(
    `${label} serves a cache of HDF5 files, and prints nothing else`,
    { ignore },
    () =>
      withHome(async (home) => {
        Deno.writeTextFileSync(join(home, "fleche.toml"), CONFIG);
        const serve = [...words, "remote", "--serve", "--cache", "shared"];
        const call = await filed(
          new Call({ name: "f", arguments: { x: 1 }, result: { series: numbers(20_000), n: 1 } }),
        );
        const saved = await run(serve, {
          home,
          input: concat(saveFrames(1, call)),
        });
        assert.deepEqual([saved.code, saved.stderr], [0, ""]);
        assert.deepEqual(framesOf(saved.stdout).map(({ kind }) => kind), [FRAME.answer]);
        const files = filesBelow(join(home, "store")).filter((file) => file.endsWith(".h5"));
        const digests = [...call.values.keys()].map((digest) =>
          `values/v1/${digest.slice(0, 2)}/${digest}`
        );
        const { key } = call.record;
        const names = [...digests, `calls/v1/${key.slice(0, 2)}/${key}`].map((name) =>
          `${name}.h5`
        );
        assert.deepEqual(files, names.sort());

        // Another process finds the call, and sends all of its values.
        const loaded = await run(serve, { home, input: request(1, "load", { params: { key } }) });
        assert.deepEqual([loaded.code, loaded.stderr], [0, ""]);
        const answer = framesOf(loaded.stdout).at(-1)?.fields[0] as Record<string, unknown>;
        assert.deepEqual(new Uint8Array(answer["record"] as Uint8Array), call.record.bytes);
        const valueRequest = (digest: string) =>
          request(1, "value", {
            params: { values: [{ digest, crc: 0, length: 0 }], parts: false },
          });
        for (const [digest, { head, body }] of call.values) {
          const input = valueRequest(digest);
          const { stdout } = await run(serve, { home, input });
          const text = new TextDecoder("latin1").decode(stdout);
          assert(text.includes(new TextDecoder("latin1").decode((body ?? head).subarray(0, 5000))));
        }

        // What the HDF5 library says of a damaged file goes nowhere.
        const [digest = ""] = call.values.keys();
        Deno.truncateSync(join(home, "store/values/v1", digest.slice(0, 2), `${digest}.h5`), 1500);
        const missed = await run(serve, { home, input: valueRequest(digest) });
        assert.equal(missed.code, 0);
        assert.match(missed.stderr, /^fleche: A value file was damaged .*\n$/);
      }),
  );
}
