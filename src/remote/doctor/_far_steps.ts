import type { RemoteConnectionError } from "../../errors.ts";
import { durationText } from "../../time_text.ts";
import { VERSION } from "../../version.ts";
import { redactCommands } from "../redact.ts";
import type { SshCacheOptions } from "../ssh_cache.ts";
import type { Probe } from "./_probe_session.ts";
import { processorOf } from "./_processor.ts";
import { failed, ok, skipped, type Step, warning, withWords } from "./step.ts";

/** Difference of two clocks from which on it is worth a warning, in seconds. */
const MAX_SKEW = 60;

/** Characters of what a login script prints that are shown. */
const SHOWN_NOISE = 200;

/**
 * What the reports of the far end come to, up to the first that fails.
 *
 * @param ended how the far end has ended; undefined if it waits to serve
 */
export function* farSteps(
  options: SshCacheOptions,
  { probe, ended }: { probe: Probe; ended: RemoteConnectionError | undefined },
): Iterable<Step> {
  yield noiseStep(probe);
  if (probe.isForced) {
    const detail = "The account runs a command of its own, whatever ssh is told to run";
    return yield skipped("remote command", detail);
  }
  const { reports } = probe;
  yield ok("system", systemText(reports));
  yield clockStep(probe);
  if (!reports.has("folder")) return yield folderFailure(options, ended);
  if (options.workdir !== undefined) yield ok("workdir", reports.get("folder") ?? "");
  for (const [index, command] of shownCommands(options).entries()) {
    if (reports.has(`setup ${index}`)) yield ok(`setup command ${index + 1}`, command);
    else return yield setupFailure(index, { command, ended });
  }
  yield programStep(probe, ended);
}

// What they give to variables may be secret.
function shownCommands({ setupCommands = [] }: SshCacheOptions): string[] {
  return setupCommands.map((command) => String(redactCommands(command)));
}

function noiseStep({ noise }: Probe): Step {
  const length = new TextEncoder().encode(noise).length;
  // The line break before the greeting is not the login script's.
  if (noise.trim() === "") return ok("login output", "Nothing but what was asked for");
  const start = JSON.stringify(noise.slice(0, SHOWN_NOISE));
  const detail = `The login prints ${length} bytes before anything runs: ${start}`;
  const remedy = "It is passed over; but let login scripts print for people only, as in sh: " +
    "[ -t 1 ] && echo …";
  return warning("login output", detail, remedy);
}

function systemText(reports: Probe["reports"]): string {
  const library = reports.get("library") ?? "";
  return (reports.get("system") ?? "") + (library === "" ? "" : `, ${library}`);
}

function clockStep({ reports, clockRead }: Probe): Step {
  const far = Number(reports.get("clock"));
  if (!Number.isSafeInteger(far) || far === 0) return skipped("clock", "It does not tell its time");
  const skew = far - clockRead / 1000;
  const size = Math.abs(skew);
  if (size <= MAX_SKEW) return ok("clock", "It agrees with the one here");
  const detail = `It is ${durationText(Math.round(size))} ${skew > 0 ? "ahead" : "behind"}`;
  const remedy = "Set both clocks by the network (NTP): times of calls, and the ages that gc and " +
    "policies go by, do not agree";
  return warning("clock", detail, remedy);
}

function folderFailure(
  { workdir }: SshCacheOptions,
  ended: RemoteConnectionError | undefined,
): Step {
  const detail = withWords(`Cannot enter the folder "${workdir ?? "~"}"`, ended?.data.stderr ?? []);
  return failed("workdir", detail, "Make the folder there, or correct workdir");
}

function setupFailure(
  index: number,
  { command, ended }: { command: string; ended: RemoteConnectionError | undefined },
): Step {
  const code = ended?.data.exitCode === undefined ? "" : ` (exit code ${ended.data.exitCode})`;
  const detail = withWords(`${command}: failed${code}`, ended?.data.stderr ?? []);
  const remedy = "Try the command in a shell there; it runs in sh, without what a login sets up";
  return failed(`setup command ${index + 1}`, detail, remedy);
}

const INSTALL = "Install fleche there (fleche remote install), or give the path of the program";

function programStep({ reports }: Probe, ended: RemoteConnectionError | undefined): Step {
  const name = "program";
  const [, kind = "", path = ""] = /^(\S*) ?(.*)$/s.exec(reports.get("file") ?? "") ?? [];
  if (kind === "absent") {
    const where = path === "" ? "in the folders of PATH there" : `at ${path}`;
    return failed(name, `There is no program ${where}`, INSTALL);
  }
  if (kind === "folder") return failed(name, `${path} is a folder`, INSTALL);
  if (kind === "locked") {
    return failed(name, `${path} may not be run`, `Make it executable: chmod +x ${path}`);
  }
  const program = reports.get("program");
  if (program === undefined) {
    const detail = withWords(
      "It does not end when it is asked for its version",
      ended?.data.stderr ?? [],
    );
    return failed(name, detail, INSTALL);
  }
  const [, code = "", text = ""] = /^(\d+) ?(.*)$/s.exec(program) ?? [];
  const where = path === "" ? "" : `${path}: `;
  // Set-ups may print something of their own before it.
  const version = text.split("\n").at(-1) ?? "";
  if (code === "0" && /^\d+\.\d+\.\d+/.test(version)) return ok(name, `${where}version ${version}`);
  if (code === "0") {
    return warning(name, withWords(`${where}it tells no version`, text.split("\n")), INSTALL);
  }
  return programFailure(`${where}--version ends with exit code ${code}`, { reports, code, text });
}

function programFailure(
  what: string,
  { reports, code, text }: { reports: Probe["reports"]; code: string; text: string },
): Step {
  const words = text.split("\n");
  const wanted = processorOf(reports.get("head") ?? "");
  const system = reports.get("system") ?? "";
  if (wanted !== undefined && wanted !== system) {
    const detail = withWords(`${what}: it is a program for ${wanted}, not for ${system}`, words);
    return failed("program", detail, `Install a program for ${system} there`);
  }
  // What sh itself ends with if a program cannot be run (POSIX, 2.8.2).
  if (code !== "126" && code !== "127") {
    const remedy = `The server is tried all the same; install version ${VERSION} there if it fails`;
    return warning("program", withWords(what, words), remedy);
  }
  const remedy = wanted === undefined
    ? INSTALL
    : "See whether the file is whole, its disk allows programs (noexec), and the libraries there " +
      "will do: fleche remote install compares them";
  return failed("program", withWords(what, words), remedy);
}
