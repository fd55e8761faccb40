import type { Awaitable, CallStorage } from "../storage/storage.ts";

/** What a call storage is remembered by: `<identity>#<number>`; the identity if it has no number. */
const REGISTRATION = /^(.*)#([0-9a-f]{32})$/s;

/** A call storage as it is remembered with values that its calls need. */
export interface Registration {
  /** Where it stands. */
  readonly identity: string;
  /** The number that tells it from others that come to stand there. */
  readonly id: string | undefined;
}

/** Reads what a call storage is remembered by. */
export function parseRegistration(text: string): Registration {
  const [, identity = text, id] = REGISTRATION.exec(text) ?? [];
  return { identity, id };
}

/** What a call storage is remembered by. */
export function registrationText({ identity, id }: Registration): string {
  return id === undefined ? identity : `${identity}#${id}`;
}

/**
 * What a call storage is to be remembered by, which gets a number if it has none; undefined where no
 * other process can open it.
 *
 * @throws {SaveError} If the number cannot be written.
 */
export function newRegistration(calls: CallStorage): Awaitable<string | undefined> {
  const { identity } = calls;
  if (identity === undefined) return undefined;
  const id = calls.ensureId?.();
  return id instanceof Promise
    ? id.then((drawn) => registrationText({ identity, id: drawn }))
    : registrationText({ identity, id });
}
