import { quotePath, quoteWord } from "../ssh_command.ts";

/** The line that the report begins after, whatever a login script prints before it. */
export const REPORT_BEGIN = "fleche-install/1";

/** What the script is told. */
export interface ScriptOptions {
  /** Where the program goes, from the remote home directory on. */
  readonly path: string;
  /** Length of the program in bytes. */
  readonly size: number;
  /** SHA-256 of the program in hexadecimal digits. */
  readonly digest: string;
  /** The version that it tells when it runs; any version if this is left out. */
  readonly version?: string | undefined;
}

/**
 * The command that ssh is given: one word for `sh -c`, in one line, since csh knows no longer words.
 *
 * The script reports what is there, reads one line that says what to do, and then the rest of the
 * program up to the end of the input. It writes under a name that no other process writes to, so
 * that what was verified is what gets its place, and leaves what it has got as `<path>.part` if the
 * input ends too early.
 */
export function installCommand({ path, size, digest, version }: ScriptOptions): string {
  const versionPattern = version === undefined ? "[0-9]*.[0-9]*.[0-9]*" : quoteWord(version);
  const script = [
    `p=${quotePath(path)}; size=${size}; mine=; digest=${quoteWord(digest)}`,
    "case $p in /*) ;; *) p=$HOME/$p ;; esac",
    ...DEFINITIONS,
    `is_version() { case $1 in ${versionPattern}) ;; *) false ;; esac; }`,
    ...REPORT,
    "read -r order offset || exit 0",
    'if test "$order" = keep; then keep; fi',
    'if test "$order" = copy; then copy; fi',
  ].join("; ");
  return `exec sh -c ${quoteWord(script)}`;
}

/** Functions; a redirected input spares the names of files from being taken for options. */
const DEFINITIONS: readonly string[] = [
  "bytes() { wc -c <\"$1\" | tr -d ' '; }",
  "digest() { " +
  'if command -v sha256sum >/dev/null; then sha256sum <"$1"; ' +
  'elif command -v shasum >/dev/null; then shasum -a 256 <"$1"; ' +
  'elif command -v openssl >/dev/null; then openssl dgst -sha256 <"$1"; ' +
  "else false; fi; }",
  "say() { printf '%s\\n' \"$*\"; }",
  'fail() { say failed "$1"; exit 1; }',
  // What the program says of itself, which has to be one line.
  "run() { " +
  'said=$("$1" --version </dev/null 2>&1); status=$?; said=$(say "$said" | tr "\\n" " "); ' +
  'if test $status = 0 && is_version "${said% }"; then :; ' +
  'else say status $status; say said "$said"; ' +
  // One that runs is not fleche.
  'if test $status = 0 && test -n "$mine"; then rm -f "$mine"; fi; fail run; fi; }',
  'keep() { test -x "$p" || chmod 755 "$p" || fail rename; run "$p"; say version "${said% }"; }',
  // The shell that ends for whatever reason leaves the part under the name that it is looked for by.
  'leave() { if test -f "$mine"; then mv -f "$mine" "$p.part"; fi; }',
  "copy() { " +
  'folder=${p%/*}; mkdir -p "${folder:-/}" || fail folder; ' +
  // Nobody may be left to hear what it says.
  'mine=$p.part.$$; trap leave EXIT; trap "exit 1" HUP INT TERM; trap "" PIPE; ' +
  'if test "$offset" = 0; then true >"$mine" || fail folder; ' +
  'else mv -f "$p.part" "$mine" || fail part; fi; ' +
  'cat >>"$mine" || fail write; ' +
  'test "$(bytes "$mine")" = "$size" || fail incomplete; ' +
  'case $(digest "$mine") in *"$digest"*) ;; *) rm -f "$mine"; fail verify ;; esac; ' +
  'chmod 755 "$mine" || fail rename; run "$mine"; ' +
  'test ! -d "$p" || fail rename; mv -f "$mine" "$p" || fail rename; ' +
  'rm -f "$p.part"; say version "${said% }"; }',
];

const REPORT: readonly string[] = [
  `printf '\\n%s\\n' ${REPORT_BEGIN}`,
  'say system "$(uname -s)"',
  'say machine "$(uname -m)"',
  // musl has no such variable, and its ldd tells its name on standard error.
  'say libc "$(getconf GNU_LIBC_VERSION 2>/dev/null || ldd --version 2>&1 | tr "\\n" " ")"',
  'say path "$p"',
  "if digest /dev/null >/dev/null 2>&1; then say digests yes; fi",
  'if test -d "$p"; then say directory yes; ' +
  'elif test -f "$p" && test -r "$p" && test "$(bytes "$p")" = "$size"; ' +
  'then say target "$(digest "$p")"; ' +
  'elif test -e "$p" && test ! -f "$p"; then say special yes; fi',
  'if test -f "$p.part" && test -r "$p.part" && test -w "$p.part" && ' +
  'test "$(bytes "$p.part")" -le "$size"; ' +
  'then say part "$(bytes "$p.part")" "$(digest "$p.part")"; fi',
  "say end",
];
