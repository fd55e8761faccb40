import {
  programText,
  quotePath,
  quoteWord,
  type RemoteCommandOptions,
  serveLine,
  UNWATCH,
  variableLines,
  WATCH,
} from "../ssh_command.ts";

/** The line that lets the server start. */
const GO = "go";

/** What the client sends for the server to start: a watch that is dying may yet take the first byte. */
export const GO_AHEAD: string = `${"\n".repeat(16)}${GO}\n`;

/**
 * The command that ssh is given instead of the one that serves: it does the same, and reports each
 * step, between a line that begins with a mark and one that is the mark and a point. At its end it
 * waits for a line of input, and serves then, so that one login does for all.
 *
 * @throws {TypeError} If a variable's name is not one.
 */
export function probeCommand(options: RemoteCommandOptions, mark: string): string {
  const lines = [
    `fleche_mark=${quoteWord(mark)}`,
    'fleche_say() { printf "%s %s\\n%s.\\n" "$fleche_mark" "$1" "$fleche_mark"; }',
    // A login script may have left a line without its end.
    'printf "\\n"',
    "fleche_say login",
    'fleche_say "system $(uname -s) $(uname -m)"',
    // musl tells its name on standard error.
    'fleche_say "library $(getconf GNU_LIBC_VERSION 2>/dev/null || ' +
    '{ command -v ldd >/dev/null && ldd --version 2>&1 | sed -n 1p; })"',
    'fleche_say "clock $(date +%s)"',
    ...WATCH,
    ...variableLines(options.env),
    ...options.workdir === undefined ? [] : [
      `cd -- ${quotePath(options.workdir)} || exit`,
    ],
    'fleche_say "folder $PWD"',
    ...options.setupCommands.flatMap((command, index) => [
      `eval ${quoteWord(command)} </dev/null >&2 9<&- || exit`,
      `fleche_say "setup ${index}"`,
    ]),
    ...programLines(options.command),
    // A setup command may have made failures end the shell (set -e).
    `fleche_text=$(${programText(options.command)} --version </dev/null 2>&1) ` +
    "&& fleche_code=0 || fleche_code=$?",
    ...UNWATCH,
    'fleche_say "program $fleche_code $fleche_text"',
    'while IFS= read -r fleche_line && [ -z "$fleche_line" ]; do :; done',
    `[ "$fleche_line" = ${GO} ] || exit 0`,
    serveLine(options),
  ];
  return `exec sh -c ${quoteWord(lines.join("; "))}`;
}

// Where the program is, as far as that can be told: text may be anything that a shell reads.
function programLines(command: RemoteCommandOptions["command"]): string[] {
  const [word, isPlain] = typeof command === "string"
    ? [command, /^~?[\w./+-]+$/.test(command)]
    : [command[0] ?? "", true];
  if (!isPlain) return ["fleche_say file", "fleche_say head"];
  const find = word.includes("/")
    ? `fleche_file=${quotePath(word)}`
    : `fleche_file=$(command -v ${quoteWord(word)} || :)`;
  const kinds = [
    'if [ -d "$fleche_file" ]; then fleche_kind=folder',
    'elif [ -x "$fleche_file" ]; then fleche_kind=program',
    'elif [ -e "$fleche_file" ]; then fleche_kind=locked',
    'elif [ -n "$fleche_file" ] && [ "${fleche_file#*/}" = "$fleche_file" ]; then fleche_kind=shell',
    "else fleche_kind=absent",
    "fi",
  ];
  const head = 'od -An -tx1 -N20 "$fleche_file" 2>/dev/null';
  return [
    find,
    kinds.join("; "),
    'fleche_say "file $fleche_kind $fleche_file"',
    `fleche_say "head $(${head})"`,
  ];
}
