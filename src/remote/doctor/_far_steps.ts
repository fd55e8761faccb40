import type { RemoteConnectionError } from "../../errors.ts";
import { durationText } from "../../time_text.ts";
import { VERSION } from "../../version.ts";
import { redactCommands } from "../redact.ts";
import type { SshCacheOptions } from "../ssh_cache.ts";
import type { ProbeSession } from "./_probe_session.ts";
import { processorOf } from "./_processor.ts";
import { SSH_FAILED } from "./_run_ssh.ts";
import { failed, ok, skipped, type Step, warning, withWords } from "./step.ts";

/** Difference of two clocks from which on it is worth a warning, in seconds. */
const MAX_SKEW = 60;

/** Characters of what a login script prints that are shown. */
const SHOWN_NOISE = 200;

/**
 * What the reports of the far end come to, as they come, up to the first that fails.
 *
 * @param timeout how long each may take, in seconds
 */
export async function* farSteps(
  session: ProbeSession,
  { options, timeout }: { options: SshCacheOptions; timeout: number },
): AsyncIterable<Step> {
  yield noiseStep(session.noise);
  if (session.isForced) {
    const detail = "The account runs a command of its own, whatever ssh is told to run";
    return yield skipped("remote command", detail);
  }
  const report = (name: string) => session.inTime(timeout, () => session.report(name));
  const { workdir } = options;
  const [system, library, clock] = [
    await report("system"),
    await report("library"),
    await report("clock"),
  ];
  const now = Date.now() / 1000;
  const start = workdir === undefined ? await report("folder") : "";
  if (system === undefined || clock === undefined || start === undefined) {
    return yield shellFailure(await session.end());
  }
  yield ok("system", library === "" ? system : `${system}, ${library}`);
  yield clockStep(Number(clock), now);
  if (workdir !== undefined) {
    const folder = await report("folder");
    if (folder === undefined) return yield folderFailure(workdir, await session.end());
    yield ok("workdir", folder);
  }
  for (const [index, command] of shownCommands(options).entries()) {
    const isDone = await report(`setup ${index}`) !== undefined;
    if (!isDone) return yield setupFailure(index, { command, ended: await session.end() });
    yield ok(`setup command ${index + 1}`, command);
  }
  const file = await report("file") ?? "";
  const head = await report("head") ?? "";
  const version = await report("program");
  if (version === undefined) yield silentProgram(await session.end());
  else yield programStep({ system, file, head, version });
}

// What they give to variables may be secret.
function shownCommands({ setupCommands = [] }: SshCacheOptions): string[] {
  return setupCommands.map((command) => String(redactCommands(command)));
}

function noiseStep(noise: string): Step {
  const length = new TextEncoder().encode(noise).length;
  // The line break before the greeting is not the login script's.
  if (noise.trim() === "") return ok("login output", "Nothing but what was asked for");
  const start = JSON.stringify(noise.slice(0, SHOWN_NOISE));
  const detail = `The login prints ${length} bytes before anything runs: ${start}`;
  const remedy = "It is passed over; but let login scripts print for people only, as in sh: " +
    "[ -t 1 ] && echo …";
  return warning("login output", detail, remedy);
}

function clockStep(far: number, near: number): Step {
  if (!Number.isSafeInteger(far) || far === 0) return skipped("clock", "It does not tell its time");
  const skew = far - near;
  const size = Math.abs(skew);
  if (size <= MAX_SKEW) return ok("clock", "It agrees with the one here");
  const detail = `It is ${durationText(Math.round(size))} ${skew > 0 ? "ahead" : "behind"}`;
  const remedy = "Set both clocks by the network (NTP): times of calls, and the ages that gc and " +
    "policies go by, do not agree";
  return warning("clock", detail, remedy);
}

// How the far end has ended: by itself, or because the connection did.
function endText({ data, message }: RemoteConnectionError): string {
  const { exitCode } = data;
  if (exitCode !== undefined && exitCode !== SSH_FAILED) return `failed (exit code ${exitCode})`;
  return message.split("\n")[0] ?? "";
}

function shellFailure(ended: RemoteConnectionError): Step {
  const detail = withWords(`sh: ${endText(ended)}`, ended.data.stderr);
  return failed("system", detail, "See what it says, and try again");
}

function folderFailure(workdir: string, ended: RemoteConnectionError): Step {
  const detail = withWords(`cd ${workdir}: ${endText(ended)}`, ended.data.stderr);
  return failed("workdir", detail, "Make the folder there, or correct workdir");
}

function setupFailure(
  index: number,
  { command, ended }: { command: string; ended: RemoteConnectionError },
): Step {
  const detail = withWords(`${command}: ${endText(ended)}`, ended.data.stderr);
  const remedy = "Try the command in a shell there; it runs in sh, without what a login sets up";
  return failed(`setup command ${index + 1}`, detail, remedy);
}

const INSTALL =
  "Install fleche there (fleche remote install), or say where it is: command in the " +
  "table, or --path; where ssh runs commands, ~/.local/bin is seldom in PATH";

function silentProgram(ended: RemoteConnectionError): Step {
  const detail = withWords(`--version: ${endText(ended)}`, ended.data.stderr);
  return failed("program", detail, INSTALL);
}

/** What is reported of a program. */
interface ProgramReports {
  readonly system: string;
  readonly file: string;
  readonly head: string;
  readonly version: string;
}

function programStep(reports: ProgramReports): Step {
  const name = "program";
  const [, kind = "", path = ""] = /^(\S*) ?(.*)$/s.exec(reports.file) ?? [];
  if (kind === "absent") {
    const where = path === "" ? "in the folders of PATH there" : `at ${path}`;
    return failed(name, `There is no program ${where}`, INSTALL);
  }
  if (kind === "folder") return failed(name, `${path} is a folder`, INSTALL);
  if (kind === "locked") {
    return failed(name, `${path} may not be run`, `Make it executable: chmod +x ${path}`);
  }
  const [, code = "", text = ""] = /^(\d+) ?(.*)$/s.exec(reports.version) ?? [];
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
  { reports, code, text }: { reports: ProgramReports; code: string; text: string },
): Step {
  const words = text.split("\n");
  const wanted = processorOf(reports.head);
  const { system } = reports;
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
