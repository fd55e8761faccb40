import { join } from "node:path";

/** A folder of its own for one test, removed at the end. */
export class TemporaryFolder implements Disposable {
  readonly path: string;

  constructor() {
    // The real path: where the system's folder is a link, a working directory reads differently.
    this.path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "fleche_test_" }));
  }

  join(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** All files below a folder, sorted, as paths relative to it; none if there is no folder. */
export function filesBelow(folder: string): string[] {
  const found: string[] = [];
  const visit = (below: string) => {
    for (const entry of Deno.readDirSync(join(folder, below))) {
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory) visit(path);
      else found.push(path);
    }
  };
  try {
    visit("");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort();
}
