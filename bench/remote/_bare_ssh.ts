import assert from "node:assert";
import type { Site } from "../../tests/remote/_site.ts";
import { until } from "../../tests/remote/_wait.ts";
import { childrenOf, endedTime, nameOf } from "./_processes.ts";

/** What a command over ssh has taken, in seconds. */
export interface Bare {
  readonly seconds: number;
  /** Of the processor: by ssh, and by sshd and the command. */
  readonly near: number;
  readonly far: number;
}

/** A command over ssh. */
export interface BareCommand {
  readonly port: number;
  /** What runs there, for a shell. */
  readonly command: string;
  /** What it reads; nothing by default. */
  readonly input?: string;
}

/** Runs a command on the far side; what it prints goes nowhere. */
export async function runBare(site: Site, options: BareCommand): Promise<Bare> {
  const { port, command, input = "/dev/null" } = options;
  const sshd = childrenOf(Deno.pid).find((pid) => nameOf(pid) === "sshd") ?? 0;
  const [near, far] = [endedTime(Deno.pid), endedTime(sshd)];
  const words = ["ssh", ...site.sshd.sshOptionsAt(port), "--", site.sshd.host, command];
  const start = performance.now();
  // Files that the processes have opened themselves: nothing passes through here.
  const child = new Deno.Command("sh", {
    args: ["-c", 'exec "$@" <"$0" >/dev/null', input, ...words],
    stdin: "null",
  });
  assert((await child.output()).success);
  const seconds = (performance.now() - start) / 1000;
  // The server waits for what it has started, and only then is the time known.
  await until(() => childrenOf(sshd).length === 0, "the end of the session");
  return { seconds, near: endedTime(Deno.pid) - near, far: endedTime(sshd) - far };
}
