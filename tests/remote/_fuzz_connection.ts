/**
 * A server that answers a client by chance: mostly as it should, sometimes not.
 *
 * @module
 */

import assert from "node:assert";
import { digestOf } from "../../src/codec/encoding.ts";
import type { Held } from "../../src/remote/_held_values.ts";
import { Connection, type RequestOptions } from "../../src/remote/connection.ts";
import { FRAME, type Frame, FrameReader } from "../../src/remote/frames.ts";
import type { ReceivedValue } from "../../src/remote/value_receiver.ts";
import { valuesDrafts } from "./_fuzz_corpus.ts";
import { type Draft, draftBytes, oddValue, spoiled, storm } from "./_fuzz_frames.ts";
import { Ledger } from "./_fuzz_ledger.ts";
import { FuzzSource, isKnownFailure, settles, type TalkOptions } from "./_fuzz_talk.ts";

const GIVEN_UP = new Error("given up");
const UNREADABLE = new Error("cannot be read");
const LINK_LOST = new Error("the link is gone");

/** A talk with a connection in this process. */
export class ConnectionTalk {
  /** Frames that were sent to it. */
  frames = 0;
  /** What the connection ended the talk with. */
  breach: Error | undefined;
  readonly #options: TalkOptions;
  readonly #connection: Connection;
  readonly #source = new FuzzSource();
  readonly #reading: Promise<void>;
  // What the client sends.
  readonly #mirror: FrameReader;
  readonly #up: Ledger;
  readonly #down: Ledger;
  readonly #open = new Map<number, Iterator<Draft>>();
  readonly #next = new Map<number, Draft>();
  readonly #owed = new Map<number, number>();
  readonly #requests: Promise<void>[] = [];
  readonly #givers = new Set<AbortController>();
  readonly #unused: (() => void)[] = [];
  readonly #values: ReceivedValue[] = [];
  readonly #activity: boolean[] = [];
  #fault: unknown;

  /** Takes how to talk. */
  constructor(options: TalkOptions) {
    const { limits } = options;
    this.#options = options;
    this.#mirror = new FrameReader(limits);
    this.#up = new Ledger(limits);
    this.#down = new Ledger(limits);
    const output = new WritableStream<Uint8Array>({ write: (bytes) => this.#written(bytes) });
    const onActive = (active: boolean) => this.#activity.push(active);
    this.#connection = new Connection(output, { limits, onActive });
    this.#reading = this.#connection.read(this.#source, new Uint8Array(0)).catch((error) => {
      // The server may also have said that it ends.
      if (isKnownFailure(error)) this.breach = error;
      else this.#fault ??= error;
      this.#connection.fail(error);
    });
  }

  /** Talks until so many frames were sent, or the connection has had enough. */
  async talk(count: number): Promise<void> {
    const { random, hostility } = this.#options;
    // Requests whose answers were spoiled may fill the connection up.
    let idle = 0;
    while (this.frames < count && idle < 100) {
      if (this.breach !== undefined || this.#fault !== undefined) break;
      this.#ask();
      for (let steps = random.below(6); steps > 0; steps--) await undefined;
      const draft = this.#draft();
      idle = draft === undefined ? idle + 1 : 0;
      if (draft === undefined) { for (let steps = 0; steps < 30; steps++) await undefined; }
      else if (!random.chance(hostility)) this.#send(draft);
      else this.#break(draft);
    }
    await this.#end();
  }

  #break(draft: Draft): void {
    const { random } = this.#options;
    switch (random.below(20)) {
      case 0:
        return this.#send(...storm(random, [...this.#open.keys()], ["a"]));
      case 1:
        return this.#overdraw();
      default:
        return this.#push(spoiled(draft, random));
    }
  }

  // What the program does that owns the connection.
  #ask(): void {
    const { random, limits } = this.#options;
    if (this.#open.size < limits.requests && random.chance(0.3)) this.#request();
    if (random.chance(0.1)) this.#unused.splice(random.below(this.#unused.length), 1)[0]?.();
    if (random.chance(0.03)) [...this.#givers].at(0)?.abort(GIVEN_UP);
  }

  #request(): void {
    const { random, calls, errors } = this.#options;
    const call = random.pick(calls);
    const giver = new AbortController();
    this.#givers.add(giver);
    const takes = (used: () => void) => random.chance(0.8) ? used() : this.#unused.push(used);
    const kind = random.pick(["load", "load", "query", "save", "has"]);
    const options: RequestOptions = {
      signal: giver.signal,
      ...kind === "query" ? { onItem: (_, used) => void takes(used) } : {},
      ...kind === "load"
        ? {
          onValue: (value, used) => {
            this.#values.push(value);
            takes(used);
          },
        }
        : {},
      ...kind === "save" ? { values: this.#held(call.values) } : {},
    };
    const asked = this.#connection.begin(kind, {}, options).then(({ answer, skip }) => {
      if (random.chance(0.2)) skip(random.pick([...call.values.keys()]));
      return answer;
    });
    const count = (name: string) => void errors.set(name, (errors.get(name) ?? 0) + 1);
    this.#requests.push(
      asked.then(() => count("answer"), (error) => {
        const isOurs = [GIVEN_UP, UNREADABLE, LINK_LOST].includes(error);
        if (!isOurs && !isKnownFailure(error)) this.#fault ??= error;
        count(isOurs ? error.message : String(Reflect.get(error, "code") ?? error.name));
      }).finally(() => this.#givers.delete(giver)),
    );
  }

  *#held(values: ReadonlyMap<string, Held["encoding"]>): Iterable<Held> {
    for (const [digest, encoding] of values) {
      if (this.#options.random.chance(0.05)) throw UNREADABLE;
      yield { reference: { digest, crc: 0, length: 0 }, encoding };
    }
  }

  // What the client has sent.
  #written(bytes: Uint8Array): void {
    try {
      for (const frame of this.#mirror.push(bytes)) this.#note(frame);
    } catch (error) {
      this.#fault ??= error;
    }
  }

  #note(frame: Frame): void {
    const { kind, id, fields: [method] } = frame;
    if (kind === FRAME.credit) {
      this.#down.grant(frame);
      if (this.#options.hostility === 0) this.#down.checkGrants(id);
    } else if (kind === FRAME.request) {
      this.#up.begin(id);
      this.#down.begin(id);
      this.#open.set(id, this.#answers(id, method)[Symbol.iterator]());
    } else if (kind === FRAME.cancel) {
      // What is under way is answered all the same.
      if (this.#open.has(id)) this.#open.set(id, this.#last(id)[Symbol.iterator]());
      this.#next.delete(id);
    } else if (kind === FRAME.item || kind === FRAME.chunk) {
      this.#up.spend(frame);
      if (this.#options.hostility === 0) this.#up.check(id);
      for (const each of [id, 0]) {
        this.#owed.set(each, (this.#owed.get(each) ?? 0) + this.#up.cost(frame));
      }
    } else assert(kind === FRAME.end || kind === FRAME.skip, `The client sends the kind ${kind}`);
  }

  // What a server sends for a request.
  *#answers(id: number, method: unknown): Iterable<Draft> {
    const { random, calls, limits } = this.#options;
    const call = random.pick(calls);
    if (method === "load") {
      yield* valuesDrafts(id, { call, limits, random });
    } else if (method === "query") {
      for (let count = random.below(20); count > 0; count--) {
        const { key, bytes } = random.pick(calls).record;
        const item = random.chance(0.9) ? { key, record: bytes } : { key: oddValue(random) };
        yield { kind: FRAME.item, id, fields: [item] };
      }
    }
    yield* this.#last(id);
  }

  *#last(id: number): Iterable<Draft> {
    const { random } = this.#options;
    const code = random.pick(["NOT_FOUND", "REJECTED", "AMBIGUOUS_DIGEST", "NO_SUCH_CODE", null]);
    const data = random.chance(0.5) ? { key: oddValue(random) } : oddValue(random);
    yield random.chance(0.7)
      ? { kind: FRAME.answer, id, fields: [{ missing: [], count: oddValue(random) }] }
      : { kind: FRAME.error, id, fields: [{ name: "E", code, message: "no", data }] };
  }

  #draft({ free = false } = {}): Draft | undefined {
    const { random } = this.#options;
    if (random.chance(0.2)) {
      const [owed] = this.#owed;
      if (owed !== undefined) {
        this.#owed.delete(owed[0]);
        return { kind: FRAME.credit, id: owed[0], fields: [owed[1]] };
      }
    }
    for (const [id, drafts] of this.#open) {
      if (random.chance(0.3)) continue;
      const next = this.#next.get(id) ?? drafts.next().value;
      if (next === undefined) {
        this.#open.delete(id);
        continue;
      }
      const [bytes] = next.fields;
      const isFree = free || next.kind === FRAME.answer || next.kind === FRAME.error;
      const cost = bytes instanceof Uint8Array ? bytes.length : draftBytes(next).length;
      if (!isFree && cost > this.#down.left(id)) this.#next.set(id, next);
      else {
        this.#next.delete(id);
        return next;
      }
    }
    return undefined;
  }

  #overdraw(): void {
    for (let count = 30; count > 0; count--) {
      const draft = this.#draft({ free: true });
      if (draft !== undefined) this.#send(draft);
    }
  }

  #send(...drafts: Draft[]): void {
    for (const draft of drafts) {
      const { kind, id, fields: [bytes] } = draft;
      const encoded = draftBytes(draft);
      const size = bytes instanceof Uint8Array ? bytes.length : encoded.length;
      if (kind === FRAME.credit) this.#up.grant({ kind, id, fields: draft.fields, size });
      this.#down.spend({ kind, id, fields: [], size });
      if (kind === FRAME.answer || kind === FRAME.error) {
        this.#open.delete(id);
        this.#owed.delete(id);
      }
      this.#push(encoded);
    }
  }

  #push(bytes: Uint8Array): void {
    this.frames++;
    this.#source.push(bytes);
  }

  // All that was asked comes to an end, and nothing is left over.
  async #end(): Promise<void> {
    const { hostility, random } = this.#options;
    if (hostility === 0 && this.breach === undefined) await this.#settle();
    if (random.chance(0.5)) this.#source.end();
    else this.#connection.fail(LINK_LOST);
    const ended = random.chance(0.3) ? this.#connection.end() : undefined;
    this.#source.end();
    await this.#within(this.#reading, "reading");
    this.#connection.fail(LINK_LOST);
    await this.#within(Promise.all(this.#requests), "the requests");
    await this.#within(ended ?? this.#connection.end(), "writing");
    for (const used of this.#unused) used();
    if (this.#fault !== undefined) throw this.#fault;
    assert.notEqual(this.#activity.at(-1), true, "The connection still says that it is in use");
    for (const { reference, encoding: { head, body } } of this.#values) {
      assert.equal(digestOf(head, body), reference.digest, "A value changed after it was given");
    }
  }

  async #within(promise: Promise<unknown>, what: string): Promise<void> {
    assert(await settles(promise, () => false), `Never at the end of ${what}`);
    await promise;
  }

  // A server that has nothing else to do: every request is answered, and there is room for others.
  async #settle(): Promise<void> {
    let isSettled = false;
    Promise.all(this.#requests).then(() => isSettled = true);
    for (let idle = 0; !isSettled && this.#fault === undefined; idle++) {
      assert(idle < 80, `Requests ${[...this.#open.keys()]} never come to an end`);
      for (const used of this.#unused.splice(0)) used();
      for (let draft = this.#draft(); draft !== undefined; draft = this.#draft()) {
        this.#send(draft);
        idle = -1;
      }
      for (let steps = 0; steps < 30; steps++) await undefined;
      if (idle > 40) await new Promise((resolve) => setTimeout(resolve, 0));
      if (this.breach !== undefined) throw this.breach;
    }
  }
}
