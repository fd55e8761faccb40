/**
 * Servers that do not keep to the protocol, and links that damage what passes.
 *
 * @module
 */

import assert from "node:assert";
import { Call, digest, type SshCache } from "@fleche/core";
import { encodeFrame, FRAME } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { quoteWord } from "../../src/remote/ssh_command.ts";
import { VERSION } from "../../src/version.ts";
import { concat } from "./_bytes.ts";
import {
  assertClean,
  assertTold,
  assertWorks,
  type Fault,
  rejection,
  testFaults,
} from "./_fault.ts";
import { MARKED } from "./_marker.ts";
import { denoRun, scriptPath } from "./_program.ts";
import { frameHead } from "./_raw_client.ts";
import { PROGRAM, Site } from "./_site.ts";
import { HAS_SSHD } from "./_sshd.ts";

const ignore = !HAS_SSHD;

const PROTOCOL = { name: "ProtocolError", code: "PROTOCOL" };

const SERVE = `exec ${PROGRAM.map(quoteWord).join(" ")} "$@"`;

/** Greets, and waits until something comes. */
const GREETING = `printf '\\nfleche/1 ${VERSION}\\n'; head -c 1 >/dev/null`;

// Bytes as sh prints them.
function printed(...pieces: readonly Uint8Array[]): string {
  const octal = (byte: number) => `\\${byte.toString(8).padStart(3, "0")}`;
  return `printf '${Array.from(concat(pieces), octal).join("")}'`;
}

// A server that greets, is asked, sends something else than an answer, and waits.
function server(...sent: readonly Uint8Array[]): Fault["arrange"] {
  return (site) => {
    const script = `${GREETING}; ${printed(...sent)}; exec cat >/dev/null`;
    const command = [site.script("program", script)];
    return { options: { command }, mend: () => void site.script("program", SERVE) };
  };
}

// A link to the server that damages as many pieces as it is told, until it is mended.
function tampering(direction: string, count: number): Fault["arrange"] {
  return (site) => {
    const words = [...denoRun(scriptPath("_tampering_program.ts")), direction, String(count)];
    const program = [...words, ...PROGRAM].map(quoteWord).join(" ");
    const command = [site.script("program", `exec ${program} "$@"`)];
    return { options: { command }, mend: () => void site.script("program", SERVE) };
  };
}

const DAMAGED = { name: "CorruptValueError", code: "CORRUPT_VALUE" };

const ARRIVED = `The value ${digest(MARKED).hex} arrived damaged`;

const marked = new Call({ name: "marked", arguments: { x: 1 }, result: MARKED });

async function loadMarked(cache: SshCache, site: Site): Promise<unknown> {
  await using there = site.inPlace();
  await there.save(marked);
  return await (await cache.load(marked.key)).result();
}

testFaults([
  {
    label: "the server sends a frame that is too long",
    arrange: server(frameHead(PROTOCOL_LIMITS.frame + 1)),
    told: { ...PROTOCOL, message: /^Cannot take a frame of 16777217 bytes: at most 16777216$/ },
  },
  {
    label: "the server sends what is no frame",
    arrange: server(frameHead(5), new TextEncoder().encode("hello")),
    told: { ...PROTOCOL, message: /^Cannot read a frame: Not a canonical encoding: / },
  },
  {
    label: "the server sends a frame of an unknown kind",
    arrange: server(encodeFrame(77, 1)),
    told: { ...PROTOCOL, message: /^The server sent a frame of the unknown kind 77$/ },
  },
  {
    label: "the server answers what was not asked",
    arrange: server(encodeFrame(FRAME.answer, 8, {})),
    told: { ...PROTOCOL, message: /^The server answered request 8, which is not under way$/ },
  },
  {
    label: "the server ends in the middle of a frame",
    arrange: (site) => {
      const script = `${GREETING}; ${printed(frameHead(100))}; exit 4`;
      const command = [site.script("program", script)];
      return { options: { command }, mend: () => void site.script("program", SERVE) };
    },
    told: {
      ...{ name: "RemoteConnectionError", code: "REMOTE_CONNECTION", exitCode: 4 },
      message: /^The connection to HOST was lost \(exit code 4\)$/,
    },
  },
  {
    label: "the values that it loads are damaged on their way",
    arrange: tampering("down", 1000),
    use: loadMarked,
    told: { ...DAMAGED, message: new RegExp(`^${ARRIVED}$`) },
  },
  {
    label: "the values that it saves are damaged on their way",
    arrange: tampering("up", 1000),
    use: (cache) => cache.save(marked),
    told: { ...DAMAGED, message: new RegExp(`^On HOST: ${ARRIVED}$`) },
  },
], { ignore });

Deno.test("SshCache goes on after a value was damaged on its way", { ignore }, async () => {
  await using site = await Site.start();
  const { options } = await tampering("up", 1)(site);
  await using cache = site.cache(options);
  assertTold(await rejection(cache.save(marked)), {
    ...DAMAGED,
    message: new RegExp(`^On HOST: ${ARRIVED}$`),
  }, site);
  assert.equal(await cache.contains(marked.key), false);
  await assertWorks(cache, marked);
  await assertClean(site);
});
