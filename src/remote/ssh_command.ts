import { redactCommands } from "./redact.ts";

/** What runs on the remote side, and how it is set up. */
export interface RemoteCommandOptions {
  /** The program: words, or text that the remote shell reads. */
  readonly command: string | readonly string[];
  /** The cache to ask for. */
  readonly cacheName?: string | undefined;
  /** The folder to work in; a leading `~/` is the remote home directory. */
  readonly workdir?: string | undefined;
  /** Commands to run first, in the same shell. */
  readonly setupCommands: readonly string[];
  /** Variables to set first. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Ends what runs before the server when the input ends: the client is gone, and a setup command that
 * does not end would stay for good. Nothing else comes in before the server has greeted. The shell
 * leads the group of what it runs; the watch is no child of it, so that "wait" does not wait for it.
 */
export const WATCH: readonly string[] = [
  "exec 9<&0",
  "fleche_watch=$({ read -r fleche_line <&9 || kill -TERM -$$ || kill -TERM $$; } " +
  ">/dev/null 2>&1 & echo $!)",
];

/** Ends the watch. */
const END_WATCH = 'kill -9 "$fleche_watch" 2>/dev/null || :';

/** Ends it, and waits for a moment until it is gone, since it would take what the server is sent. */
export const UNWATCH: readonly string[] = [
  END_WATCH,
  "fleche_count=0",
  'while [ "$fleche_count" -lt 1000 ] && kill -0 "$fleche_watch" 2>/dev/null; ' +
  "do fleche_count=$((fleche_count + 1)); done",
  "exec 9<&-",
];

/** Quotes text as one word for sh, bash, zsh, csh and fish alike. */
export function quoteWord(text: string): string {
  // The characters that one of them reads inside single quotes are escaped outside of them.
  return `'${text.replace(/['\\!]/g, "'\\$&'")}'`;
}

/** Quotes a path as one word; a leading `~/` is the home directory. */
export function quotePath(path: string): string {
  if (path === "~") return '"$HOME"';
  return path.startsWith("~/") ? `"$HOME"/${quoteWord(path.slice(2))}` : quoteWord(path);
}

/** The program as sh reads it. A leading `~/` means the home directory even where words are quoted. */
export function programText(command: string | readonly string[]): string {
  if (typeof command === "string") return command;
  return command.map((word, index) => index === 0 ? quotePath(word) : quoteWord(word)).join(" ");
}

/**
 * The command that ssh is given: one word for `sh -c`, whatever shell the account has.
 *
 * Setup commands get no input and keep standard output free for the protocol; the first one that
 * fails ends it all and is named.
 *
 * @throws {TypeError} If a variable's name is not one.
 */
export function remoteCommand(options: RemoteCommandOptions): string {
  const { command } = options;
  if (typeof command === "string" ? command.trim() === "" : command.length === 0) {
    throw new TypeError("Cannot run a remote program without a name");
  }
  const lines = variableLines(options.env);
  if (options.workdir !== undefined) {
    lines.push(orFail(`cd -- ${quotePath(options.workdir)}`, `cd ${options.workdir}`));
  }
  if (options.setupCommands.length > 0) lines.push(...WATCH);
  for (const command of options.setupCommands) {
    // One that ends the shell itself is named too.
    const message = quoteWord(`fleche: failed: ${redactCommands(command)}`);
    lines.push(`trap ${quoteWord(`printf '%s\\n' ${message} >&2; ${END_WATCH}`)} EXIT`);
    lines.push(`eval ${quoteWord(command)} </dev/null >&2 9<&- || exit`);
    lines.push("trap - EXIT");
  }
  if (options.setupCommands.length > 0) lines.push(...UNWATCH);
  lines.push(serveLine(options));
  return `exec sh -c ${quoteWord(lines.join("; "))}`;
}

/**
 * What sets variables, in sh.
 *
 * @throws {TypeError} If a variable's name is not one.
 */
export function variableLines(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(([name, value]) => {
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      throw new TypeError(`Cannot set the variable "${name}": that is not a variable's name`);
    }
    return `${name}=${quoteWord(value)}; export ${name}`;
  });
}

/** What ends in the server, in sh. */
export function serveLine({ command, cacheName }: RemoteCommandOptions): string {
  const cache = cacheName === undefined ? "" : ` --cache ${quoteWord(cacheName)}`;
  return `exec ${programText(command)} remote --serve${cache}`;
}

function orFail(line: string, command: string): string {
  const message = quoteWord(`fleche: failed: ${command}`);
  return `${line} || { status=$?; printf '%s\\n' ${message} >&2; exit "$status"; }`;
}
