/**
 * A server that claims to be of another version, and knows of nothing but that.
 *
 * @module
 */

import { FRAME } from "../../src/remote/frames.ts";
import { send, serveFrames } from "./_far_program.ts";
import { INFO } from "./_info.ts";

const version = "9.9.9";

await serveFrames(
  ({ id, fields: [method] }) =>
    send(
      FRAME.answer,
      id,
      method === "info" ? { ...INFO, version, ordered: false } : { record: null },
    ),
  version,
);
