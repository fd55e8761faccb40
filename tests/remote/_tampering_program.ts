/**
 * A server with a link that damages what passes: runs a program and changes markers that go to it
 * (`up`) or come from it (`down`), as many as it is told.
 *
 *     deno run _tampering_program.ts <up|down> <count> <program> <arguments>…
 *
 * @module
 */

import { MARKER } from "./_marker.ts";

const [direction, count, program = "", ...args] = Deno.args;
const child = new Deno.Command(program, { args, stdin: "piped", stdout: "piped" }).spawn();

/** Changes a byte of some markers, one in each piece that has any. */
function damage(): TransformStream<Uint8Array, Uint8Array> {
  let left = Number(count);
  return new TransformStream({
    transform(bytes, controller) {
      const at = left === 0 ? -1 : new TextDecoder("latin1").decode(bytes).indexOf(MARKER);
      if (at >= 0) {
        left--;
        bytes = bytes.slice();
        bytes[at] = (bytes[at] ?? 0) ^ 1;
      }
      controller.enqueue(bytes);
    },
  });
}

const pass = () => new TransformStream<Uint8Array, Uint8Array>();
const up = direction === "up" ? damage() : pass();
const down = direction === "down" ? damage() : pass();
const passing = [
  Deno.stdin.readable.pipeThrough(up).pipeTo(child.stdin),
  child.stdout.pipeThrough(down).pipeTo(Deno.stdout.writable),
];
// Either side may be gone before the other.
await Promise.allSettled(passing);
Deno.exit((await child.status).code);
