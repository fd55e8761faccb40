import assert from "node:assert";
import {
  AmbiguousDigestError,
  ConfigError,
  CorruptValueError,
  IndigestibleError,
  LockTimeoutError,
  NotFoundError,
  ProtocolError,
  RejectedError,
  RemoteConnectionError,
  RemoteError,
  SaveError,
  SignatureError,
  UnknownTypeError,
} from "@fleche/core";
import * as errors from "../../src/errors.ts";
import { encodeFrame, FRAME, FrameReader } from "../../src/remote/frames.ts";
import { PROTOCOL_LIMITS } from "../../src/remote/limits.ts";
import { fromWireError, toWireError } from "../../src/remote/wire_error.ts";

const digest = "a".repeat(64);

const KNOWN = [
  new NotFoundError("There is none", { key: digest }),
  new AmbiguousDigestError("Could be two", {
    prefix: "aaaa",
    candidates: [digest, "b".repeat(64)],
  }),
  new IndigestibleError("Cannot", { path: "arguments.x[3]" }),
  new UnknownTypeError("Unknown", { type: "Vector" }),
  new SaveError("Full", { key: digest }),
  new RejectedError("Read-only", { operation: "store a call" }),
  new CorruptValueError("Damaged", { digest, position: 7 }),
  new CorruptValueError("Damaged somewhere"),
  new LockTimeoutError("Taken", { resource: "calls.db", seconds: 1.5 }),
  new SignatureError("Forged", { key: digest }),
  new ConfigError("Bad", { file: "/a/fleche.toml", line: 3, column: 1 }),
  new ProtocolError("Too long", { limit: "frame" }),
];

// What becomes of an error on its way through a frame.
function cross(error: unknown): Error {
  const bytes = encodeFrame(FRAME.error, 1, toWireError(error));
  const [frame] = new FrameReader(PROTOCOL_LIMITS).push(bytes);
  return fromWireError(frame?.fields[0]);
}

for (const error of KNOWN) {
  Deno.test(`fromWireError() gives back a ${error.name} (${error.message})`, () => {
    const arrived = cross(error);
    assert.equal(arrived.constructor, error.constructor);
    const { name, code, message, data } = arrived as typeof error;
    assert.deepEqual({ name, code, message, data }, {
      name: error.name,
      code: error.code,
      message: error.message,
      data: error.data,
    });
  });
}

Deno.test("fromWireError() knows every error that a cache of this package throws", () => {
  // Those of a connection are not about the cache: on this side they would be taken for its own.
  const own = new Set<unknown>([RemoteConnectionError, RemoteError]);
  const crossed = new Set<unknown>(KNOWN.map((error) => error.constructor));
  for (const type of Object.values(errors)) assert(crossed.has(type) || own.has(type));
});

Deno.test("fromWireError() gives any other error as a RemoteError that names it", () => {
  for (const error of [new TypeError("No such thing"), new Deno.errors.NotFound("No file")]) {
    const arrived = cross(error);
    assert(arrived instanceof RemoteError);
    assert.equal(arrived.data.remoteName, error.name);
    assert.match(arrived.message, new RegExp(error.message));
  }
});

Deno.test("fromWireError() tells the code of an error that it does not know", () => {
  const arrived = cross(Object.assign(new Error("No such file"), { code: "ENOENT" }));
  assert(arrived instanceof RemoteError);
  assert.equal(arrived.data.remoteCode, "ENOENT");
});

Deno.test("fromWireError() does not take a far connection's error for one of its own", () => {
  const data = { host: "far", exitCode: 255, stderr: ["gone"] };
  const arrived = cross(new RemoteConnectionError("The connection to far was lost", data));
  assert(arrived instanceof RemoteError);
  assert.match(arrived.message, /connection to far was lost/);
});

Deno.test("toWireError() takes what is thrown without being an error", () => {
  for (const thrown of ["text", 5, null, undefined, { message: "no error" }]) {
    assert(cross(thrown) instanceof RemoteError);
  }
});

Deno.test("toWireError() sends neither a stack nor a cause", () => {
  const cause = new Error("a secret cause");
  for (const error of [...KNOWN, new TypeError("Plain", { cause })]) {
    const bytes = encodeFrame(FRAME.error, 1, toWireError(error));
    const text = new TextDecoder().decode(bytes);
    assert.doesNotMatch(text, /wire_error_test|secret cause|stack|file:/);
  }
});

Deno.test("toWireError() keeps an error whose message is not well-formed text", () => {
  assert.equal(cross(new NotFoundError("\ud800 {x}", { key: digest })).message, "\ud800 {x}");
});

for (const wire of [null, 5, "text", [], {}, { message: 5 }, { code: "NOT_FOUND" }]) {
  Deno.test(`fromWireError() takes ${JSON.stringify(wire)} for a breach of the protocol`, () => {
    assert(fromWireError(wire) instanceof ProtocolError);
  });
}

Deno.test("fromWireError() is not led astray by names that every object has", () => {
  for (const code of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
    const arrived = fromWireError({ name: "Error", code, message: "x", data: null });
    assert(arrived instanceof RemoteError);
  }
});
