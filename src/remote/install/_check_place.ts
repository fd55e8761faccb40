/** A NUL would end the command, and csh ends a word at a line break. */
const UNUSABLE = /[\0\n\r]/;

/**
 * Checks a host and a path for a program there.
 *
 * @throws {TypeError} If one of them can only be a mistake.
 */
export function checkPlace(host: string, path: string): void {
  if (host === "" || host.startsWith("-")) {
    throw new TypeError(`Cannot use "${host}" as a host: ssh would take it as an option`);
  }
  const problem = pathProblem(path);
  if (problem !== undefined) {
    throw new TypeError(`Cannot install to ${JSON.stringify(path)}: ${problem}`);
  }
}

function pathProblem(path: string): string | undefined {
  if (path === "") return "it is empty";
  if (UNUSABLE.test(path)) return "it has a line break in it";
  if (path === "~" || /(^|\/)\.{0,2}$/.test(path)) {
    return "that is a directory: give the name of the program too";
  }
  return /^~[^/]/.test(path) ? "only ~/ stands for a home directory" : undefined;
}
