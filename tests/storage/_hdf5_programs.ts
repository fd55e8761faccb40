import { pythonWith } from "../_python.ts";
import { findProgram, requirement } from "../_require.ts";

const H5PY = pythonWith("h5py");

/** Whether there is a Python with h5py. */
export const HAS_H5PY: boolean = requirement(
  "h5py",
  H5PY !== "",
  "python3 has no h5py: install python3-h5py, or h5py with pip",
);

/** Whether there is h5dump. */
export const HAS_H5DUMP: boolean = requirement(
  "h5dump",
  findProgram("h5dump") !== undefined,
  "h5dump is not there: install hdf5-tools",
);

/** Runs a Python program that has h5py as `h5py` and numpy as `np`; what it prints. */
export async function h5py(program: string, ...args: string[]): Promise<string> {
  const whole = `import sys, json, h5py, numpy as np\n${program}`;
  return await outputOf(H5PY, ["-c", whole, ...args]);
}

/** What h5dump prints. */
export async function h5dump(...args: string[]): Promise<string> {
  return await outputOf("h5dump", args);
}

async function outputOf(program: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${program} failed: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
