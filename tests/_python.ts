import { requirement } from "./_require.ts";

/** Where Python may be: the first of them that has msgpack is taken. */
const CANDIDATES = ["python3", "/usr/bin/python3"];

/** A Python that has msgpack; empty if there is none. */
export const PYTHON: string = CANDIDATES.find(hasMsgpack) ?? "";

/** Whether there is one. */
export const HAS_PYTHON: boolean = requirement(
  "python",
  PYTHON !== "",
  "python3 has no msgpack: install python3-msgpack, or msgpack with pip",
);

function hasMsgpack(program: string): boolean {
  try {
    const args = ["-c", "import msgpack"];
    return new Deno.Command(program, { args, stderr: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
