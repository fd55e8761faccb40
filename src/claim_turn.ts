import type { Flight } from "./flights.ts";
import { inTime } from "./in_time.ts";
import { warn, warnOnce } from "./log.ts";
import { type Claim, type Claims, type Holder, readTime } from "./storage/claims.ts";

/** How long the first pause between two attempts is, in milliseconds. */
const FIRST_PAUSE = 50;

/** How long the pauses become. */
const LONGEST_PAUSE = 1000;

/** After how long a caller hears whom the call waits for, in milliseconds. */
const NOTICE_AFTER = 5000;

/**
 * How long a call waits, in milliseconds, that others may wait for where no circle would be seen.
 * After that it runs, even if it is the second to do so: better twice than never.
 */
const LONGEST_BLIND_WAIT = 300_000;

/** A call that is about to run. */
export interface TurnRequest {
  readonly claims: Claims;
  readonly flight: Flight;
  /** The calls that it is made by, which cannot end before it does. */
  readonly above: () => readonly Flight[];
  /** The name of the function, for messages. */
  readonly name: string;
  /** Whether it waits if another process runs it. */
  readonly isPatient: boolean;
  /** How long claiming may take, in seconds. */
  readonly timeout: number;
  /** The result, if it has been stored meanwhile. */
  readonly lookUp: () => Promise<unknown>;
  /** In place of the usual times, in milliseconds. */
  readonly times?: { readonly noticeAfter?: number; readonly longestBlindWait?: number };
}

/**
 * Waits until no other process runs a call, and claims it for its flight.
 *
 * Whoever waits claims the call once it is free, and looks once more whether it was stored: so those
 * who wait for a call that is not stored in the end, as it failed, run it one after another. The call
 * is to run without a claim where claims do not work, and where waiting would never end.
 *
 * @returns The result, if it has been stored meanwhile; undefined if the call is to run now.
 */
export async function takeTurn(request: TurnRequest): Promise<unknown> {
  const outcome = await tryClaim(request);
  if (outcome === undefined) return undefined;
  if (outcome !== "claimed") return await request.lookUp();
  return request.isPatient ? await waitForTurn(request) : undefined;
}

async function waitForTurn(request: TurnRequest): Promise<unknown> {
  const { claims, flight, name, lookUp, times = {} } = request;
  const { noticeAfter = NOTICE_AFTER, longestBlindWait = LONGEST_BLIND_WAIT } = times;
  const start = performance.now();
  let isNoticed = false;
  try {
    for (let pause = FIRST_PAUSE;; pause = Math.min(1.5 * pause, LONGEST_PAUSE)) {
      const prospect = await mayWait(request);
      if (prospect === "circle") return undefined;
      if (prospect === "blind" && performance.now() - start >= longestBlindWait) return undefined;
      // All who wait should not come at the same time.
      await new Promise((resolve) => setTimeout(resolve, pause * (0.75 + Math.random() / 2)));
      const result = await lookUp();
      if (result !== undefined) return result;
      const outcome = await tryClaim(request);
      if (outcome === undefined) return undefined;
      if (outcome !== "claimed") return await lookUp();
      if (isNoticed || performance.now() - start < noticeAfter) continue;
      isNoticed = true;
      notice(name, await working(request, claims.holder(flight.key)));
    }
  } finally {
    await working(request, claims.endWait(flight.key));
  }
}

// A claim belongs to the flight from the beginning, so that it is given back whatever happens.
async function tryClaim(request: TurnRequest): Promise<Claim | "claimed" | undefined> {
  const { claims, flight } = request;
  const trying = claims.tryClaim(flight.key);
  const outcome = trying instanceof Promise ? await working(request, trying) : trying;
  if (outcome !== undefined && outcome !== "claimed") flight.hold(claims, outcome);
  if (outcome === undefined && trying instanceof Promise) {
    // One that comes too late is let go of when it comes.
    trying.then((late) => late === "claimed" ? undefined : late?.[Symbol.asyncDispose]());
  }
  return outcome;
}

// Whether waiting is sure to end: "blind" if that cannot be told.
async function mayWait(request: TurnRequest): Promise<"safe" | "blind" | "circle"> {
  const { claims, flight, above } = request;
  const waiting = new Set<Flight>();
  for (const each of [flight, ...above()]) each.addWaiting(waiting);
  const claimed = [...waiting].filter((each) => each.claims !== undefined);
  if (claimed.length === 0) return "safe";
  const here = claimed.filter((each) => each.claims?.place === claims.place).map((each) =>
    each.key
  );
  if (here.length > 0 && await working(request, claims.mayWait(flight.key, here)) !== true) {
    return "circle";
  }
  return claims.seesCircles && here.length === claimed.length ? "safe" : "blind";
}

// Undefined, after a warning, if what claims do takes too long.
async function working<T>(
  { name, timeout }: TurnRequest,
  work: T | Promise<T>,
): Promise<T | undefined> {
  if (!(work instanceof Promise)) return work;
  try {
    return await inTime(work, timeout);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const text = `${name} runs without regard to other processes: ${error.message}`;
    warnOnce(text, ["wrapper"], text, { error });
    return undefined;
  }
}

function notice(name: string, holder: Holder | undefined): void {
  const who = holder === undefined ? "another process" : `process ${holder.pid} on ${holder.host}`;
  // Whatever others write down, a notice is nothing that a call should fail for.
  const since = readTime(holder?.since?.getTime());
  const start = since === undefined ? "" : ` since ${since.toISOString()}`;
  const text = `${name} waits for ${who}, which has been running the same call${start}`;
  warn(["wrapper"], text, { ...holder });
}
