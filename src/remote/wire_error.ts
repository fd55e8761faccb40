import * as errors from "../errors.ts";
import { isTable } from "./params.ts";

/** An error as it crosses the wire. */
export interface WireError {
  readonly name: string;
  readonly code: string | null;
  readonly message: string;
  readonly data: unknown;
}

type KnownError = new (message: string, data: never) => Error;

const CLASSES: Readonly<Record<string, KnownError>> = {
  NOT_FOUND: errors.NotFoundError,
  AMBIGUOUS_DIGEST: errors.AmbiguousDigestError,
  INDIGESTIBLE: errors.IndigestibleError,
  UNKNOWN_TYPE: errors.UnknownTypeError,
  SAVE_FAILED: errors.SaveError,
  REJECTED: errors.RejectedError,
  CORRUPT_VALUE: errors.CorruptValueError,
  LOCK_TIMEOUT: errors.LockTimeoutError,
  BAD_SIGNATURE: errors.SignatureError,
  BAD_CONFIG: errors.ConfigError,
  PROTOCOL: errors.ProtocolError,
};

/** What of an error crosses the wire: never its stack, which tells of the machine. */
export function toWireError(error: unknown): WireError {
  if (!(error instanceof Error)) {
    return { name: "Error", code: null, message: String(error), data: null };
  }
  const code: unknown = Reflect.get(error, "code");
  const known = typeof code === "string" && Object.hasOwn(CLASSES, code);
  return {
    name: error.name,
    code: typeof code === "string" ? code : null,
    message: error.message,
    data: known ? Reflect.get(error, "data") ?? null : null,
  };
}

/**
 * The error of the remote side, as its class if that is known here.
 *
 * @param host the host that it comes from, for the message
 */
export function fromWireError(wire: unknown, host?: string): Error {
  if (!isTable(wire) || typeof wire["message"] !== "string") {
    return new errors.ProtocolError("Cannot read an error of the remote side");
  }
  const { code, name, message: text, data } = wire;
  const message = host === undefined ? text : `On ${host}: ${text}`;
  if (typeof code === "string" && Object.hasOwn(CLASSES, code)) {
    const type = CLASSES[code] as KnownError;
    return new type(message, (isTable(data) ? data : {}) as never);
  }
  const remoteName = typeof name === "string" ? name : "Error";
  return new errors.RemoteError(host === undefined ? `The remote side failed: ${text}` : message, {
    remoteName,
    ...typeof code === "string" ? { remoteCode: code } : {},
  });
}
