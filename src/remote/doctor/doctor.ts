import { randomBytes } from "node:crypto";
import { ConfigError } from "../../errors.ts";
import { durationText } from "../../time_text.ts";
import { VERSION } from "../../version.ts";
import { connectThrough, SshCache, type SshCacheOptions } from "../ssh_cache.ts";
import { PROTOCOL_VERSION } from "../ssh_process.ts";
import { checkAddress, checkConnection, mayConnect } from "./_address.ts";
import { farSteps } from "./_far_steps.ts";
import { loginFailure } from "./_login_failure.ts";
import { probeCommand } from "./_probe_script.ts";
import { type Greeting, ProbeSession } from "./_probe_session.ts";
import { servedSteps } from "./_served_steps.ts";
import { checkHost, checkSsh, type SshTarget } from "./_target.ts";
import { failed, ok, skipped, type Step, warning } from "./step.ts";

/** How {@linkcode diagnose} goes about it. */
export interface DiagnoseOptions {
  /** How long the login may take, in seconds; without limit by default: a person may be asked. */
  readonly loginTimeout?: number | undefined;
  /** How long each further step may take, in seconds: by default the cache's timeout, or 60. */
  readonly timeout?: number;
  /** Called before a login, for which a person may be asked. */
  readonly onLogin?: () => void;
}

/** How long a step may take where nothing else is said, in seconds. */
const TIMEOUT = 60;

/**
 * Looks at each step from here to a round trip of a value, with one login.
 *
 * @param options the cache on the other machine
 * @returns What came of each step. It ends with the first one that failed.
 * @throws {TypeError} If the options are none that a cache can be made of.
 */
export async function* diagnose(
  options: SshCacheOptions,
  how: DiagnoseOptions = {},
): AsyncGenerator<Step, void, void> {
  // Whatever is wrong with the options shows before anything is done.
  const cache = new SshCache(options);
  for await (const step of allSteps(cache, how)) {
    yield step;
    if (step.status === "failed") return;
  }
}

async function* allSteps(cache: SshCache, how: DiagnoseOptions): AsyncIterable<Step> {
  const { options } = cache;
  yield await checkSsh();
  const { step, target } = await checkHost(options);
  yield step;
  if (target === undefined) return;
  yield* addressSteps(target);
  how.onLogin?.();
  yield* loginSteps(cache, { target, how });
}

async function* addressSteps(target: SshTarget): AsyncIterable<Step> {
  const { proxy } = target;
  if (proxy !== undefined || !await mayConnect(target)) {
    const reason = proxy === undefined
      ? "this program may not use the network (--allow-net)"
      : `the way goes through ${proxy}`;
    yield skipped("name resolution", `Left to ssh: ${reason}`);
    return yield skipped("connection", `Left to ssh: ${reason}`);
  }
  const { step, addresses } = await checkAddress(target);
  yield step;
  yield await checkConnection(target, addresses);
}

async function* loginSteps(
  cache: SshCache,
  { target, how }: { target: SshTarget; how: DiagnoseOptions },
): AsyncIterable<Step> {
  const { options } = cache;
  const { timeout = options.timeout ?? TIMEOUT } = how;
  const begun = performance.now();
  const mark = `fleche-doctor-${randomBytes(8).toString("hex")}`;
  const session = new ProbeSession(options.host, { argv: probeArgv(options, mark), mark });
  try {
    const isIn = await session.inTime(how.loginTimeout, () => session.login());
    const time = durationText((performance.now() - begun) / 1000);
    if (!isIn) return yield await loginFailure(options, { target, session });
    yield ok("login", `${target.user}@${target.hostname} in ${time}`);
    yield* farSteps(session, { options, timeout });
    yield* greetingSteps(cache, { session, timeout, begun });
  } finally {
    await cache.close();
    await session.end();
  }
}

function probeArgv(options: SshCacheOptions, mark: string): string[] {
  const command = probeCommand({
    command: options.command ?? "fleche",
    cacheName: options.cacheName,
    workdir: options.workdir,
    setupCommands: options.setupCommands ?? [],
    env: options.env ?? {},
  }, mark);
  return ["ssh", ...options.sshOptions ?? [], "--", options.host, command];
}

async function* greetingSteps(
  cache: SshCache,
  { session, timeout, begun }: { session: ProbeSession; timeout: number; begun: number },
): AsyncIterable<Step> {
  const asked = performance.now();
  const greeting = await session.inTime(timeout, () => session.greet());
  if (greeting === undefined) {
    const { message } = await session.end();
    const remedy =
      "See what it says; the program may be of another version, or its configuration " +
      "there may be wrong (fleche config)";
    return yield failed("greeting", message, remedy);
  }
  const now = performance.now();
  yield greetingStep(greeting, now - asked);
  const { connectTimeout = Infinity } = cache.options;
  const taken = (now - begun) / 1000;
  if (taken > connectTimeout) yield lateStep(taken, connectTimeout);
  yield versionStep(greeting);
  const opened = { process: session.process, rest: greeting.rest };
  try {
    await session.inTime(timeout, () => connectThrough(cache, opened));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const remedy = error instanceof ConfigError
      ? "Ask for a cache that is served there (cache_name), or for none"
      : "See what it says; other versions may not understand each other";
    return yield failed("cache", error.message, remedy);
  }
  yield* servedSteps(cache, { info: await cache.info(), timeout });
}

function greetingStep({ protocol, version }: Greeting, milliseconds: number): Step {
  if (protocol === PROTOCOL_VERSION) {
    return ok("greeting", `fleche ${version} in ${durationText(milliseconds / 1000)}`);
  }
  const detail = `fleche ${version} there speaks protocol ${protocol}, this one ` +
    PROTOCOL_VERSION;
  const remedy = "Install the same version on both sides (fleche remote install)";
  return failed("greeting", detail, remedy);
}

// Another connection would most likely be given up.
function lateStep(taken: number, allowed: number): Step {
  const detail = `It came ${durationText(taken)} after ssh began; connect_timeout is ${allowed} s`;
  const remedy = "Raise connect_timeout, or see which of these steps takes long";
  return warning("connect timeout", detail, remedy);
}

function versionStep({ version }: Greeting): Step {
  if (version === VERSION) return ok("version", `${version} on both sides`);
  const remedy = "Install the same version on both sides (fleche remote install)";
  return warning("version", `${version} there, ${VERSION} here`, remedy);
}
