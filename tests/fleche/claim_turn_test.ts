import assert from "node:assert/strict";
import { takeTurn, type TurnRequest } from "../../src/claim_turn.ts";
import { Flight } from "../../src/flights.ts";
import { UNISOLATED } from "../../src/isolation.ts";
import type { Claim, Claims } from "../../src/storage/claims.ts";
import { settled, warningsOf } from "../_wrapper.ts";

const KEY = "a".repeat(64);
const SINCE = new Date("2026-01-02T03:04:05Z");

/** Claims that answer as they are told. */
class Answering implements Claims {
  readonly place: string = "test://claims";
  readonly seesCircles: boolean = true;
  tries = 0;
  released = 0;
  readonly waiting: (readonly string[])[] = [];
  ended = 0;

  constructor(
    readonly answer: (tries: number) => ReturnType<Claims["tryClaim"]>,
    readonly isSafe: () => boolean | Promise<boolean> = () => true,
  ) {}

  readonly claim: Claim = {
    [Symbol.asyncDispose]: () => {
      this.released++;
      return Promise.resolve();
    },
  };

  tryClaim(): ReturnType<Claims["tryClaim"]> {
    return this.answer(++this.tries);
  }

  holder() {
    return { host: "far", pid: 12, since: SINCE };
  }

  mayWait(_key: string, waiting: readonly string[]) {
    this.waiting.push(waiting);
    return this.isSafe();
  }

  endWait(): void {
    this.ended++;
  }

  close(): void {}
}

function newFlight(key = KEY): Flight {
  return new Flight(key, UNISOLATED, () => {});
}

async function turn(claims: Claims, options: Partial<TurnRequest> = {}): Promise<unknown> {
  return await settled(takeTurn({
    claims,
    flight: newFlight(),
    above: () => [],
    name: "work",
    isPatient: true,
    timeout: 0.05,
    lookUp: () => Promise.resolve(undefined),
    ...options,
  }));
}

Deno.test("takeTurn() holds a claim until the flight is over", async () => {
  const claims: Answering = new Answering(() => claims.claim);
  const flight = newFlight();
  assert.equal(await turn(claims, { flight }), undefined);
  assert.equal(claims.released, 0);
  flight.land({ stored: false });
  flight.land({ stored: false });
  assert.equal(claims.released, 1);
});

Deno.test("takeTurn() looks once more whether the call was stored before it was claimed", async () => {
  const claims: Answering = new Answering(() => claims.claim);
  const flight = newFlight();
  assert.equal(await turn(claims, { flight, lookUp: () => Promise.resolve("stored") }), "stored");
  flight.crash(new Error("No"));
  assert.equal(claims.released, 1);
});

Deno.test("takeTurn() takes the result of whoever runs the call, or its turn", async () => {
  const claims: Answering = new Answering((tries) => tries < 3 ? "claimed" : claims.claim);
  let looks = 0;
  const lookUp = () => Promise.resolve(++looks === 2 ? "stored" : undefined);
  assert.equal(await turn(claims, { lookUp }), "stored");
  assert.deepEqual([claims.tries, claims.ended], [2, 1]);
  const next: Answering = new Answering((tries) => tries < 3 ? "claimed" : next.claim);
  const flight = newFlight();
  assert.equal(await turn(next, { flight }), undefined);
  assert.equal(flight.claims, next);
  assert.deepEqual([next.tries, next.ended], [3, 1]);
});

Deno.test("takeTurn() does not wait if it is not patient", async () => {
  const claims = new Answering(() => "claimed");
  assert.equal(await turn(claims, { isPatient: false }), undefined);
  assert.equal(claims.tries, 1);
});

Deno.test("takeTurn() says once whom it waits for", async () => {
  const claims: Answering = new Answering((tries) => tries < 5 ? "claimed" : claims.claim);
  const warnings = await warningsOf(() => turn(claims, { times: { noticeAfter: 100 } }));
  assert.deepEqual(warnings, [
    "fleche: work waits for process 12 on far, " +
    "which has been running the same call since 2026-01-02T03:04:05.000Z",
  ]);
});

Deno.test("takeTurn() says whom it waits for whatever the other one has written down", async () => {
  class Odd extends Answering {
    override holder() {
      return { host: "far", pid: 12, since: new Date(1e300) };
    }
  }
  const claims: Answering = new Odd((tries) => tries < 5 ? "claimed" : claims.claim);
  const warnings = await warningsOf(() => turn(claims, { times: { noticeAfter: 100 } }));
  assert.deepEqual(warnings, [
    "fleche: work waits for process 12 on far, which has been running the same call",
  ]);
});

Deno.test("takeTurn() says nothing if it does not wait for long", async () => {
  const claims: Answering = new Answering((tries) => tries < 3 ? "claimed" : claims.claim);
  assert.deepEqual(await warningsOf(() => turn(claims)), []);
});

Deno.test("takeTurn() does not wait in a circle", async () => {
  const claims = new Answering(() => "claimed", () => false);
  const above = newFlight("b".repeat(64));
  above.hold(claims, claims.claim);
  assert.equal(await turn(claims, { above: () => [above] }), undefined);
  assert.deepEqual(claims.waiting, [[above.key]]);
  // What nobody can wait for is in no circle.
  const free: Answering = new Answering((tries) => tries < 2 ? "claimed" : free.claim, () => false);
  assert.equal(await turn(free, { above: () => [newFlight("b".repeat(64))] }), undefined);
  assert.deepEqual([free.tries, free.waiting.length], [2, 0]);
});

Deno.test("takeTurn() counts what waits for the calls above, and for this one", async () => {
  const claims = new Answering(() => "claimed", () => false);
  const [flight, above, joined, further] = ["a", "b", "c", "d"].map((digit) => {
    const each = newFlight(digit.repeat(64));
    if (digit !== "a") each.hold(claims, claims.claim);
    return each;
  }) as [Flight, Flight, Flight, Flight];
  const waits = [above.wait([joined]), flight.wait([further])];
  await turn(claims, { flight, above: () => [above] });
  assert.deepEqual(new Set(claims.waiting[0]), new Set([above.key, joined.key, further.key]));
  for (const each of [flight, above]) each.land({ stored: false });
  await Promise.all(waits);
});

Deno.test("takeTurn() does not wait for good where a circle would not be seen", async () => {
  const claims = new Answering(() => "claimed");
  const elsewhere = new class extends Answering {
    override readonly place = "test://elsewhere";
  }(() => "claimed");
  const above = newFlight("b".repeat(64));
  above.hold(elsewhere, elsewhere.claim);
  const times = { longestBlindWait: 100 };
  assert.equal(await turn(claims, { above: () => [above], times }), undefined);
  const blind = new class extends Answering {
    override readonly seesCircles = false;
  }(() => "claimed");
  const here = newFlight("b".repeat(64));
  here.hold(blind, blind.claim);
  assert.equal(await turn(blind, { above: () => [here], times }), undefined);
  // Whoever claims nothing waits as long as it takes.
  const patient: Answering = new Answering((tries) => tries < 4 ? "claimed" : patient.claim);
  await turn(patient, { times: { longestBlindWait: 0 } });
  assert.equal(patient.tries, 4);
});

Deno.test("takeTurn() goes on without a claim that does not come, and gives it back", async () => {
  const late = Promise.withResolvers<Claim>();
  const claims: Answering = new Answering(() => late.promise);
  const warnings = await warningsOf(async () => {
    assert.equal(await turn(claims), undefined);
  });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /work runs without regard to other processes: .*0\.05 seconds/);
  late.resolve(claims.claim);
  await late.promise;
  await null;
  assert.equal(claims.released, 1);
});
