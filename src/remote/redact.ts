/** What stands for a secret. */
const REDACTED = "<redacted>";

/**
 * A configuration without its secrets: keys for signing, passwords in addresses and hosts, variables,
 * and what commands give to variables.
 */
export function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value === "string") return redactAddress(value);
  // The tables of a TOML parser have no prototype.
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, redactOf(key, each)]));
}

function redactOf(key: string, value: unknown): unknown {
  if (/secret|password|token/i.test(key) || key === "env") return REDACTED;
  if (key === "command" && Array.isArray(value)) return value.map(redactWord);
  if (key === "command" || key === "setup_commands") return redactCommands(value);
  if (key === "host" && typeof value === "string") return redactHost(value);
  return redact(value);
}

/** A host without a password, as in `user:password@host`. */
export function redactHost(host: string): string {
  return redactAddress(host).replace(/^([^/@:]*):.*@/s, `$1:${REDACTED}@`);
}

/** Commands without what they give to variables. */
export function redactCommands(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redactCommands);
  return typeof value === "string" ? redactAddress(redactAssignments(value)) : redact(value);
}

// A word that no shell reads goes on to its end.
function redactWord(word: unknown): unknown {
  return typeof word === "string" ? word.replace(/^([\w-]+=).+/s, `$1${REDACTED}`) : redact(word);
}

// A word as a shell reads it: to the first blank or operator outside of quotes and substitutions.
const WORD = new RegExp(
  [
    /'[^']*'?/,
    /"(?:\\.|[^"\\])*"?/,
    /`[^`]*`?/,
    /\((?:[^()]|\([^()]*\))*\)?/,
    /\\./,
    /[^\s;&|<>()'"`\\]/,
  ].map(({ source }) => source).join("|"),
).source;

// NAME=value, as "export NAME=value" and "--name=value" too.
function redactAssignments(text: string): string {
  const assignment = new RegExp(`(?<![\\w?&])([A-Za-z_]\\w*=)(?:${WORD})+`, "gs");
  return text.replace(assignment, `$1${REDACTED}`);
}

// postgresql://user:password@host/db
function redactAddress(text: string): string {
  return text
    .replace(/^([\w+.-]+:\/\/[^/@:]*):.*@/s, `$1:${REDACTED}@`)
    .replace(/([?&][^=&]*(?:secret|password|token)[^=&]*=)[^&]*/gi, `$1${REDACTED}`);
}
