/**
 * The errors a caller may want to catch. Each has a stable `code`, its facts in `data` (plain
 * values, so that they cross the wire), and the underlying error in `cause`.
 *
 * @module
 */

/** A key or digest that is not in the cache, or a value that has gone missing. */
export class NotFoundError extends Error {
  /** The class name, stable across bundlers. */
  override readonly name = "NotFoundError";
  /** Stable identifier of this kind of error. */
  readonly code = "NOT_FOUND";
  /** Takes a message and the key or digest (hexadecimal, possibly short) that was looked up. */
  constructor(message: string, readonly data: { key: string }, options?: ErrorOptions) {
    super(message, options);
  }
}

/** A short digest that more than one entry starts with. */
export class AmbiguousDigestError extends Error {
  /** The class name, stable across bundlers. */
  override readonly name = "AmbiguousDigestError";
  /** Stable identifier of this kind of error. */
  readonly code = "AMBIGUOUS_DIGEST";
  /** Takes a message, the prefix, and the first few digests it could mean. */
  constructor(
    message: string,
    readonly data: { prefix: string; candidates: string[] },
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A value that has no encoding; the message names the path to the culprit and what to do. */
export class IndigestibleError extends Error {
  /** The class name, stable across bundlers. */
  override readonly name = "IndigestibleError";
  /** Stable identifier of this kind of error. */
  readonly code = "INDIGESTIBLE";
  /** Takes a message and the path to the culprit, as `arguments.grid.cells[3]`. */
  constructor(message: string, readonly data: { path: string }, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Valid bytes that name a type this program cannot build: not registered, or not in the runtime. */
export class UnknownTypeError extends Error {
  /** The class name, stable across bundlers. */
  override readonly name = "UnknownTypeError";
  /** Stable identifier of this kind of error. */
  readonly code = "UNKNOWN_TYPE";
  /** Takes a message and the name of the type. */
  constructor(message: string, readonly data: { type: string }, options?: ErrorOptions) {
    super(message, options);
  }
}

/** A storage could not write an entry, for instance for want of space or permission. */
export class SaveError extends Error {
  /** The class name, stable across bundlers. */
  override readonly name = "SaveError";
  /** Stable identifier of this kind of error. */
  readonly code = "SAVE_FAILED";
  /** Takes a message and the digest or key of the entry. */
  constructor(message: string, readonly data: { key: string }, options?: ErrorOptions) {
    super(message, options);
  }
}

/** A cache refused an operation as a matter of policy, for instance because it is read-only. */
export class RejectedError extends Error {
  /** The class name, stable across bundlers. */
  override readonly name = "RejectedError";
  /** Stable identifier of this kind of error. */
  readonly code = "REJECTED";
  /**
   * Takes a message and the operation that was refused; where values are not removed, also the
   * identities of the call storages that cannot be read, or whether it is for want of locks.
   */
  constructor(
    message: string,
    readonly data: { operation: string; unreadable?: string[]; locks?: "missing" },
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Bytes that are not the canonical encoding of any value, or not the bytes they should be. */
export class CorruptValueError extends Error {
  /** The class name, stable across bundlers. */
  override readonly name = "CorruptValueError";
  /** Stable identifier of this kind of error. */
  readonly code = "CORRUPT_VALUE";
  /** Takes a message and, where known, the digest and the position (in bytes) of the fault. */
  constructor(
    message: string,
    readonly data: { digest?: string; position?: number } = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A lock that another process holds was not freed in time. */
export class LockTimeoutError extends Error {
  /** The class name, stable across bundlers. */
  override readonly name = "LockTimeoutError";
  /** Stable identifier of this kind of error. */
  readonly code = "LOCK_TIMEOUT";
  /** Takes a message, what was locked, and how long was waited, in seconds. */
  constructor(
    message: string,
    readonly data: { resource: string; seconds: number },
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** An entry whose signature no configured key verifies. */
export class SignatureError extends Error {
  /** The class name, stable across bundlers. */
  override readonly name = "SignatureError";
  /** Stable identifier of this kind of error. */
  readonly code = "BAD_SIGNATURE";
  /** Takes a message and the digest or key of the entry. */
  constructor(message: string, readonly data: { key: string }, options?: ErrorOptions) {
    super(message, options);
  }
}

/** A configuration that cannot be used; the message names the file and the line. */
export class ConfigError extends Error {
  /** The class name, stable across bundlers. */
  override readonly name = "ConfigError";
  /** Stable identifier of this kind of error. */
  readonly code = "BAD_CONFIG";
  /** Takes a message and, where known, the file and the position in it (both from 1). */
  constructor(
    message: string,
    readonly data: { file?: string; line?: number; column?: number } = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A peer that does not speak the protocol, or breaks one of its rules or limits. */
export class ProtocolError extends Error {
  /** The class name, stable across bundlers. */
  override readonly name = "ProtocolError";
  /** Stable identifier of this kind of error. */
  readonly code = "PROTOCOL";
  /** Takes a message and any facts worth keeping. */
  constructor(
    message: string,
    readonly data: { limit?: string; method?: string } = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The connection to a remote cache could not be made, or broke. */
export class RemoteConnectionError extends Error {
  /** The class name, stable across bundlers. */
  override readonly name = "RemoteConnectionError";
  /** Stable identifier of this kind of error. */
  readonly code = "REMOTE_CONNECTION";
  /** Takes a message, the host, the exit code of ssh, and the last lines of its standard error. */
  constructor(
    message: string,
    readonly data: { host: string; exitCode?: number; stderr: string[] },
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** An error of the remote side that is none of the classes known here. */
export class RemoteError extends Error {
  /** The class name, stable across bundlers. */
  override readonly name = "RemoteError";
  /** Stable identifier of this kind of error. */
  readonly code = "REMOTE";
  /** Takes a message and what the remote side called its error. */
  constructor(
    message: string,
    readonly data: { remoteName: string; remoteCode?: string },
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
