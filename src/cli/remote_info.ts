import type { Command } from "commander";
import { visible } from "../display_text.ts";
import { redact, redactHost } from "../remote/redact.ts";
import type { RemoteInfo } from "../remote/remote_info.ts";
import { SshCache } from "../remote/ssh_cache.ts";
import { type CommonOptions, withJson } from "./_common.ts";
import { farCache, type FarCacheOptions, withFarCache } from "./_far_cache.ts";
import { printJson, printLines } from "./_output.ts";

/** What is shown, in this order. */
interface ShownInfo extends Omit<RemoteInfo, "ordered" | "cancels"> {
  /** The host as ssh takes it. */
  readonly host: string;
}

interface InfoOptions extends FarCacheOptions, Pick<CommonOptions, "json"> {}

/** Adds `fleche remote info`. */
export function addRemoteInfoCommand(remote: Command): void {
  const command = remote
    .command("info")
    .description("Show what a cache on another machine tells of itself, without secrets.");
  withJson(withFarCache(command)).action(async (name: string, given: InfoOptions) => {
    const { options } = farCache(name, given);
    await using cache = new SshCache(options);
    const info = shownInfo(options.host, await cache.info());
    if (given.json === true) await printJson(info);
    else await printLines(toLines(info));
  });
}

// The far side has taken its secrets out already; older versions took out fewer.
function shownInfo(host: string, info: RemoteInfo): ShownInfo {
  const { cache, cacheName, readOnly, version, hostname, cwd, executable, pid } = info;
  return {
    ...{ host: redactHost(host), hostname, version, executable, pid, cwd },
    ...{ cacheName, readOnly, cache: redact(cache) },
  };
}

function toLines(info: ShownInfo): string[] {
  const rows: [name: string, value: string][] = [
    ["host", info.host],
    ["name", info.hostname],
    ["version", info.version],
    ["program", info.executable],
    ["process", String(info.pid)],
    ["folder", info.cwd],
    ["cache", info.cacheName ?? "the default one"],
    ["access", info.readOnly ? "read-only" : "loads and stores"],
    ["configuration", JSON.stringify(info.cache)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(13)}  ${visible(value)}`);
}
