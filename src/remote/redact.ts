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
  if (/secret|password|token|authorization/i.test(key) || key === "env") return REDACTED;
  if (key === "command" && Array.isArray(value)) return redactWords(value.map(redactWord));
  // ProxyCommand=sshpass -p … ssh …
  if (key === "ssh_options" && Array.isArray(value)) return redactWords(value.map(redactOptions));
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
  return typeof value === "string" ? redactOptions(redactAssignments(value)) : redact(value);
}

/** Names of options that a secret follows. */
const SECRET_OPTION = /^(?:--?[\w-]*(?:passw|secret|token|api-?key|credential)[\w-]*)$/i;

// Words of which one may be the name, and the next the secret.
function redactWords(words: readonly unknown[]): unknown[] {
  return words.map((word, index) => {
    const [program, option] = [words[index - 2], words[index - 1]];
    if (typeof word !== "string" || typeof option !== "string") return word;
    if (SECRET_OPTION.test(option)) return REDACTED;
    if (option === "-p" && typeof program === "string" && /\bsshpass$/.test(program)) {
      return REDACTED;
    }
    if (/^(?:-u|--[\w-]*user)$/.test(option)) {
      return word.replace(/^([\w.@-]*:).+/s, `$1${REDACTED}`);
    }
    return word;
  });
}

// A word that no shell reads goes on to its end; one with blanks may be a command of its own.
function redactWord(word: unknown): unknown {
  if (typeof word !== "string") return redact(word);
  const isAssignment = /^[\w-]+=/.test(word);
  return isAssignment ? word.replace(/^([\w-]+=).+/s, `$1${REDACTED}`) : redactCommands(word);
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

// Headers that say who somebody is.
const SECRET_HEADER = /(\b[\w-]*(?:authorization|cookie|token|secret|api-?key):\s*)[^'"\n]+/gi;

// What follows --password and its like, sshpass -p, -u name:, SetEnv and Authorization:.
function redactOptions(text: unknown): unknown {
  if (typeof text !== "string") return redact(text);
  const secret = `(?:${WORD})+`;
  const name = "--?[\\w-]*(?:passw|secret|token|api-?key|credential)[\\w-]*";
  const user = `(?<!\\S)(?:-u|--[\\w-]*user)[\\s=]+`;
  return redactAddress(
    text
      .replace(new RegExp(`((?<!\\S)${name}[\\s=]+)${secret}`, "gis"), `$1${REDACTED}`)
      .replace(new RegExp(`(\\bsshpass\\s+-p\\s*)${secret}`, "gs"), `$1${REDACTED}`)
      .replace(new RegExp(`(${user}[\\w.@-]*:)${secret}`, "gs"), `$1${REDACTED}`)
      .replace(new RegExp(`(${user}(['"])[\\w.@-]*:)(?:(?!\\2).)+`, "gs"), `$1${REDACTED}`)
      .replace(/(\bSetEnv[\s=]+"?\w+=).+/gis, `$1${REDACTED}`)
      .replace(SECRET_HEADER, `$1${REDACTED}`)
      .replace(/(\b[\w+.-]+:\/\/[^\s/@:'"]*):[^\s@'"]+@/g, `$1:${REDACTED}@`),
  );
}

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
