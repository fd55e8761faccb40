import { delimiter, join } from "node:path";
import { redactCommands } from "../redact.ts";
import type { SshCacheOptions } from "../ssh_cache.ts";
import { runSsh } from "./_run_ssh.ts";
import { failed, ok, type Step, withWords } from "./step.ts";

/** Where ssh goes when it is given a host and options. */
export interface SshTarget {
  readonly hostname: string;
  readonly port: number;
  readonly user: string;
  /** What the connection goes through, if not straight to the host. */
  readonly proxy: string | undefined;
  /** 4 or 6 if only such addresses are to be used. */
  readonly family: 4 | 6 | undefined;
  /** The files of the user with the keys of hosts. */
  readonly knownHosts: readonly string[];
  /** How long a connection may take, in seconds, if that is set. */
  readonly connectTimeout: number | undefined;
}

/** Looks for the ssh program. */
export async function checkSsh(): Promise<Step> {
  const run = await runSsh(["-V"]);
  if (run === undefined) {
    const detail = 'There is no program "ssh" in the folders of PATH';
    return failed("ssh", detail, "Install OpenSSH, or add its folder to PATH");
  }
  const version = run.stderr[0] ?? run.stdout.trim();
  return ok("ssh", `${programPath("ssh") ?? "ssh"}, ${version}`);
}

// The program that is run by a name.
function programPath(name: string): string | undefined {
  const folders = (Deno.env.get("PATH") ?? "").split(delimiter).filter((each) => each !== "");
  return folders.map((folder) => join(folder, name)).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      if (error instanceof Deno.errors.NotADirectory) return false;
      if (error instanceof Deno.errors.PermissionDenied) return false;
      throw error;
    }
  });
}

/** Asks ssh what it makes of the host and its options. */
export async function checkHost(
  { host, sshOptions = [] }: SshCacheOptions,
): Promise<{ step: Step; target?: SshTarget }> {
  const run = await runSsh(["-G", ...sshOptions, "--", host]);
  if (run === undefined || run.code !== 0) {
    const detail = withWords(`ssh does not accept its configuration or options`, run?.stderr ?? []);
    const remedy = "Correct the ssh options given here, or those in ~/.ssh/config";
    return { step: failed("host", detail, remedy) };
  }
  const settings = new Map(
    run.stdout.split(/\r?\n/).map((line) => {
      const end = line.indexOf(" ");
      return [line.slice(0, end), line.slice(end + 1)];
    }),
  );
  const target = readTarget(settings, host);
  return { step: ok("host", targetText(target, settings)), target };
}

function readTarget(settings: ReadonlyMap<string, string>, host: string): SshTarget {
  const given = (name: string) => {
    const value = settings.get(name);
    return value === "none" ? undefined : value;
  };
  const family = { inet: 4, inet6: 6 } as const;
  const named = settings.get("addressfamily");
  const proxy = given("proxyjump") ?? given("proxycommand");
  return {
    hostname: settings.get("hostname") ?? host,
    port: Number(settings.get("port") ?? 22),
    user: settings.get("user") ?? "",
    proxy: proxy === undefined ? undefined : String(redactCommands(proxy)),
    family: named === "inet" || named === "inet6" ? family[named] : undefined,
    knownHosts: given("userknownhostsfile")?.split(" ") ?? [],
    connectTimeout: Number(given("connecttimeout")) || undefined,
  };
}

function targetText(target: SshTarget, settings: ReadonlyMap<string, string>): string {
  const { hostname, port, user, proxy } = target;
  const parts = [`${user}@${hostname}, port ${port}`];
  if (proxy !== undefined) parts.push(`through ${proxy}`);
  const path = settings.get("controlpath");
  if (path !== undefined && path !== "none") {
    parts.push(`shares connections over ${path} (ControlMaster ${settings.get("controlmaster")})`);
  }
  return parts.join(", ");
}
