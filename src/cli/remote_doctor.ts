import type { Command } from "commander";
import { configSources } from "../config/load.ts";
import { visible, visibleLines } from "../display_text.ts";
import { ConfigError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { diagnose } from "../remote/doctor/doctor.ts";
import { failed, ok, type Step } from "../remote/doctor/step.ts";
import { type CommonOptions, withJson } from "./_common.ts";
import { EXIT, type ExitWith } from "./_exit.ts";
import { type FarCache, farCache, type FarCacheOptions, withFarCache } from "./_far_cache.ts";
import { printJson, printLines } from "./_output.ts";

/** How long a login may take where nobody can be asked for anything, in seconds. */
const UNATTENDED_LOGIN_TIME = 60;

/** Cells of the columns before the details. */
const STATUS_WIDTH = 7;
const STEP_WIDTH = 16;

interface DoctorOptions extends FarCacheOptions, Pick<CommonOptions, "json"> {}

/** Adds `fleche remote doctor`. */
export function addRemoteDoctorCommand(remote: Command, exitWith: ExitWith): void {
  const command = remote
    .command("doctor")
    .description(
      "Check each step to a cache on another machine, from the configuration to a round trip of a " +
        "value, and say which one fails and what to do about it.",
    );
  withJson(withFarCache(command)).action(async (name: string, given: DoctorOptions) => {
    const steps: Step[] = [];
    for await (const step of checkAll(name, given)) {
      steps.push(step);
      if (given.json !== true) await printLines(toLines(step));
    }
    const isWell = steps.every(({ status }) => status !== "failed");
    if (given.json === true) await printJson({ ok: isWell, steps });
    if (!isWell) exitWith(EXIT.failed);
  });
}

async function* checkAll(name: string, given: DoctorOptions): AsyncIterable<Step> {
  let far: FarCache;
  try {
    far = farCache(name, given);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    yield failed("configuration", error.message, "Correct the configuration (fleche config)");
    return;
  }
  yield ok("configuration", sourceText(name, far));
  const isAttended = Deno.stdin.isTerminal() && Deno.stderr.isTerminal();
  yield* diagnose(far.options, {
    loginTimeout: far.options.connectTimeout ?? (isAttended ? undefined : UNATTENDED_LOGIN_TIME),
    onLogin: () => {
      if (isAttended) console.error(visible(`Logging in to ${name}: ssh may ask for something`));
    },
  });
}

function sourceText(name: string, { table }: FarCache): string {
  if (table === undefined) {
    const names = configSources().tables.map((each) => each.name);
    const meant = nearest(name, names.filter((each) => each !== "default"));
    const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
    return `No table [${name}]: "${name}" is taken as a host${hint}`;
  }
  return `[${table.name}] in ${table.file}, line ${table.line}`;
}

// As a table whose rows come one by one.
function toLines({ step, status, detail, remedy }: Step): string[] {
  const indentation = " ".repeat(STATUS_WIDTH + STEP_WIDTH + 4);
  const [first = "", ...others] = visibleLines(detail).split(/\r?\n/);
  const head = `${status.padEnd(STATUS_WIDTH)}  ${step.padEnd(STEP_WIDTH)}  ${first}`;
  const rest = [...others, ...remedy === undefined ? [] : [`→ ${visible(remedy)}`]];
  return [head, ...rest.map((line) => indentation + line)];
}
