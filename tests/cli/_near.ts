import { join } from "node:path";
import { stringify } from "smol-toml";
import { Site } from "../remote/_site.ts";
import type { SshdOptions } from "../remote/_sshd.ts";
import { type Run, run } from "./_run.ts";

/** A far side, and a home on this one with a configuration of its own. */
export class Near implements AsyncDisposable {
  private constructor(
    /** The far side. */
    readonly site: Site,
    /** The home and working directory here. */
    readonly home: string,
  ) {}

  /** Starts the far side. */
  static async start(options: SshdOptions = {}): Promise<Near> {
    const site = await Site.start(options);
    const home = join(site.sshd.folder, "near");
    Deno.mkdirSync(home);
    return new Near(site, home);
  }

  /** Writes the configuration. */
  configure(tables: Record<string, unknown>): string {
    const path = join(this.home, "fleche.toml");
    Deno.writeTextFileSync(path, stringify(tables));
    return path;
  }

  /** Runs a program here. */
  run(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> {
    return run(words, { home: this.home, env });
  }

  /** Stops the far side. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.site[Symbol.asyncDispose]();
  }
}
