import { requirement } from "./_require.ts";

/** Where Python may be: the first of them that has a module is taken. */
const CANDIDATES = ["python3", "/usr/bin/python3"];

/** A Python that has a module; empty if there is none. */
export function pythonWith(module: string): string {
  return CANDIDATES.find((program) => hasModule(program, module)) ?? "";
}

/** A Python that has msgpack; empty if there is none. */
export const PYTHON: string = pythonWith("msgpack");

/** Whether there is one. */
export const HAS_PYTHON: boolean = requirement(
  "python",
  PYTHON !== "",
  "python3 has no msgpack: install python3-msgpack, or msgpack with pip",
);

function hasModule(program: string, module: string): boolean {
  try {
    const args = ["-c", `import ${module}`];
    return new Deno.Command(program, { args, stderr: "null" }).outputSync().success;
  } catch (error) {
    const isAbsent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.PermissionDenied;
    if (isAbsent) return false;
    throw error;
  }
}
