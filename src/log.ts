import { getConfig, getLogger } from "@logtape/logtape";

/** Warnings given so far that are given once only. */
const given = new Set<string>();

/** Warnings remembered at the most; past that the memory starts anew. */
const MAX_REMEMBERED = 10_000;

/** A LogTape category below "fleche". */
export type Category = readonly string[];

// LogTape reads {name} in a message as a placeholder.
function literally(text: string): string {
  return text.replace(/[{}]/g, "$&$&");
}

/**
 * Warns through LogTape, or on standard error where the application has not configured it, so that
 * a first-time user does not miss what matters.
 */
export function warn(category: Category, text: string, facts: Record<string, unknown> = {}): void {
  if (getConfig() === null) console.warn(`fleche: ${text}`);
  else getLogger(["fleche", ...category]).warn(literally(text), facts);
}

/** {@linkcode warn}, but once for each identifier. */
export function warnOnce(
  identifier: string,
  category: Category,
  text: string,
  facts: Record<string, unknown> = {},
): void {
  if (isNew(identifier)) warn(category, text, facts);
}

function isNew(identifier: string): boolean {
  if (given.has(identifier)) return false;
  if (given.size >= MAX_REMEMBERED) given.clear();
  given.add(identifier);
  return true;
}

/**
 * Says once for each identifier that something went wrong, through LogTape, or on standard error
 * where the application has not configured it.
 */
export function errorOnce(
  identifier: string,
  category: Category,
  text: string,
  facts: Record<string, unknown> = {},
): void {
  if (!isNew(identifier)) return;
  if (getConfig() === null) console.error(`fleche: ${text}`);
  else getLogger(["fleche", ...category]).error(literally(text), facts);
}

/** Says something that is no cause for concern; silent unless the application configures LogTape. */
export function inform(
  category: Category,
  text: string,
  facts: Record<string, unknown> = {},
): void {
  if (getConfig() !== null) getLogger(["fleche", ...category]).info(literally(text), facts);
}
