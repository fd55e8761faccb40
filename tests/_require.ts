/** The variable that lists what must not be skipped, as `sshd,compile`. */
const VARIABLE = "FLECHE_TEST_REQUIRE";

/**
 * Whether tests that need something can run, for their `ignore`.
 *
 * Where it is absent they are skipped, and the reason is printed; where `FLECHE_TEST_REQUIRE` lists
 * the name, they fail instead.
 *
 * @param name what is needed, as the variable lists it
 * @param isThere whether it is there
 * @param reason what is absent, and how to get it
 * @throws {Error} If it is absent although it is listed.
 */
export function requirement(
  name: string,
  isThere: boolean,
  reason = `${name} is not there`,
): boolean {
  if (isThere) return true;
  const listed = (Deno.env.get(VARIABLE) ?? "").split(",").map((each) => each.trim());
  if (listed.includes(name)) throw new Error(`${VARIABLE} lists "${name}", but ${reason}`);
  console.log(`Skipping the tests that need "${name}": ${reason}`);
  return false;
}

/** Where a program is, looked for as the shell does; undefined if it is not there. */
export function findProgram(name: string): string | undefined {
  // Programs of administrators are not always in the path of others.
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => `${folder}/${name}`).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory ||
      error instanceof Deno.errors.PermissionDenied;
    if (absent) return false;
    throw error;
  }
}
