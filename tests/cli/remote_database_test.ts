import { Call } from "@fleche/core";
import assert from "node:assert";
import { join } from "node:path";
import { encodeFrame, FRAME, type Frame, FrameReader } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { VERSION } from "../../src/version.ts";
import { HAS_MARIADB, MariaDb } from "../_mariadb.ts";
import { HAS_POSTGRES, Postgres } from "../_postgres.ts";
import { PASSWORD, type TestServer } from "../_server.ts";
import { concat } from "../remote/_bytes.ts";
import { filed, saveParams } from "../remote/_calls.ts";
import { CLI, requiredProgram } from "../remote/_program.ts";
import { run, withHome } from "./_run.ts";

const { binary, isThere } = await requiredProgram();

const PROGRAMS: readonly [label: string, words: readonly string[], ignore: boolean][] = [
  ["cli.ts", CLI, false],
  ["the compiled program", [binary], !isThere],
];

const SERVERS: readonly [name: string, isThere: boolean, start: () => Promise<TestServer>][] = [
  ["PostgreSQL", HAS_POSTGRES, () => Postgres.start()],
  ["MariaDB", HAS_MARIADB, () => MariaDb.start()],
];

function framesOf(stdout: Uint8Array): Frame[] {
  const greeting = `\nfleche/1 ${VERSION}\n`.length;
  const reader = new FrameReader(PROTOCOL_LIMITS);
  return [...reader.push(stdout.subarray(greeting))].sort((a, b) => a.id - b.id);
}

for (const [name, hasServer, start] of SERVERS) {
  Deno.test({
    name: `fleche serves calls on ${name}`,
    ignore: !hasServer,
    fn: async (context) => {
      await using server = await start();
      for (const [label, words, ignore] of PROGRAMS) {
        await context.step({
          name: `${label} serves calls on ${name}, and tells no password`,
          ignore,
          fn: () =>
            withHome(async (home) => {
              const url = server.url(await server.create());
              const config = [
                ...["[db]", 'values = { type = "memory" }'],
                `calls = { type = "sql", url = ${JSON.stringify(url)} }`,
              ];
              await Deno.writeTextFile(join(home, "fleche.toml"), config.join("\n"));
              const serve = [...words, "remote", "--serve", "--cache", "db"];
              const call = await filed(new Call({ name: "f", arguments: { x: 1 }, result: 2 }));
              const save = encodeFrame(FRAME.request, 1, "save", saveParams(call), false);
              const info = encodeFrame(FRAME.request, 2, "info", {}, false);
              const first = await run(serve, {
                home,
                input: concat([save, info]),
              });
              assert.deepEqual([first.code, first.stderr], [0, ""]);
              const [saved, said] = framesOf(first.stdout);
              assert.equal(saved?.kind, FRAME.answer, JSON.stringify(saved?.fields));
              const text = JSON.stringify(said?.fields);
              assert(text.includes("127.0.0.1"), text);
              for (const secret of [PASSWORD, encodeURIComponent(PASSWORD)]) {
                assert(!first.text.includes(secret));
              }
              const { key } = call.record;
              const load = encodeFrame(FRAME.request, 1, "load", { key }, false);
              const second = await run(serve, { home, input: load });
              assert.deepEqual([second.code, second.stderr], [0, ""]);
              const [loaded] = framesOf(second.stdout);
              assert.equal(loaded?.kind, FRAME.answer, JSON.stringify(loaded?.fields));
              assert(JSON.stringify(loaded?.fields).includes("record"));
            }),
        });
      }
    },
  });
}
