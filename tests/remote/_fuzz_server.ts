/**
 * A client that talks to a server by chance: mostly as it should, sometimes not.
 *
 * @module
 */

import assert from "node:assert";
import { type Cache, ProtocolError } from "@fleche/core";
import { FRAME, type Frame, FrameReader } from "../../src/remote/frames.ts";
import type { ProtocolLimits } from "../../src/remote/limits.ts";
import { Outbox } from "../../src/remote/outbox.ts";
import { Server } from "../../src/remote/server.ts";
import { isTable } from "../../src/remote/params.ts";
import { type FiledCall, saveParams } from "./_calls.ts";
import { valuesDrafts } from "./_fuzz_corpus.ts";
import { type Draft, draftBytes, oddValue, spoiled, storm } from "./_fuzz_frames.ts";
import { Ledger } from "./_fuzz_ledger.ts";
import { isKnownError, settles, type TalkOptions } from "./_fuzz_talk.ts";
import type { Random } from "./_random.ts";

/** A talk with a server in this process. */
export class ServerTalk {
  /** Frames that were sent. */
  frames = 0;
  /** What the talk was ended with by the server. */
  breach: ProtocolError | undefined;
  readonly #random: Random;
  readonly #limits: ProtocolLimits;
  readonly #calls: readonly FiledCall[];
  readonly #digests: readonly string[];
  readonly #hostility: number;
  readonly #outbox: Outbox;
  readonly #server: Server;
  // What the server sends, and what it should have understood.
  readonly #answers: FrameReader;
  readonly #mirror: FrameReader;
  readonly #up: Ledger;
  readonly #down: Ledger;
  readonly #owed = new Map<number, number>();
  readonly #open = new Map<number, number>();
  readonly #uploads = new Map<number, Iterator<Draft>>();
  // Frames that wait for credit.
  readonly #next = new Map<number, Draft>();
  readonly #errors: Map<string, number>;
  readonly #generosity: number;
  #isFinishing = false;
  #id = 1;

  /** Takes what is served, and how to talk. */
  constructor(cache: Cache, options: TalkOptions) {
    const { random, limits, calls, hostility, errors } = options;
    this.#random = random;
    this.#limits = limits;
    this.#calls = calls;
    this.#digests = calls.flatMap(({ record, values }) => [record.key, ...values.keys()]);
    this.#hostility = hostility;
    this.#errors = errors;
    this.#generosity = random.pick([0, 0.1, 1, 1]);
    this.#outbox = new Outbox(limits);
    this.#server = new Server(this.#outbox, { cache, limits, readOnly: random.chance(0.1) });
    this.#answers = new FrameReader(limits);
    this.#mirror = new FrameReader(limits);
    this.#up = new Ledger(limits);
    this.#down = new Ledger(limits);
  }

  /** Talks until so many frames were sent, or the server has had enough. */
  async talk(count: number): Promise<void> {
    while (this.frames < count && this.breach === undefined) {
      await this.#turn();
      for (let steps = this.#random.below(6); steps > 0; steps--) await undefined;
      if (this.#random.chance(0.7)) this.#drain();
    }
    await this.#end();
  }

  async #turn(): Promise<void> {
    const random = this.#random;
    if (random.chance(this.#hostility)) {
      const draft = this.#draft() ?? this.#request();
      if (random.chance(0.05)) return this.#send(...storm(random, this.#ids(), this.#digests));
      if (random.chance(0.1)) return this.#overdraw();
      return this.#push(spoiled(draft, random));
    }
    const draft = this.#draft();
    if (draft !== undefined) return this.#send(draft);
    // Somebody has to move first.
    for (let steps = 0; steps < 50; steps++) await undefined;
    this.#drain();
    if (this.#owed.size > 0) this.#pay();
  }

  #ids(): number[] {
    return [...this.#open.keys()];
  }

  // The next frame of a client that keeps to the rules, if only just.
  #draft(): Draft | undefined {
    const random = this.#random;
    const id = random.chance(0.9) && this.#open.size > 0
      ? random.pick(this.#ids())
      : random.below(this.#id + 2);
    const kind = random.weighted([
      [30, "request"],
      [60, "upload"],
      [4, "cancel"],
      [4, "skip"],
      [4, "credit"],
      [this.#generosity * 40, "pay"],
    ]);
    switch (kind) {
      case "upload":
        return this.#upload();
      case "cancel":
        this.#uploads.delete(id);
        this.#next.delete(id);
        return { kind: FRAME.cancel, id, fields: [] };
      case "skip":
        return { kind: FRAME.skip, id, fields: [random.pick(this.#digests)] };
      case "credit":
        // For what is over, or never was.
        return { kind: FRAME.credit, id: this.#id + 5, fields: [1 + random.below(1000)] };
      case "pay":
        return this.#payment();
      default:
        return this.#open.size < this.#limits.requests ? this.#request() : this.#upload();
    }
  }

  #request(): Draft {
    const random = this.#random;
    const id = this.#id++;
    const call = random.pick(this.#calls);
    const { key } = call.record;
    const digest = random.pick(this.#digests);
    const [method, params] = random.pick<() => [string, unknown]>([
      () => ["save", saveParams(call)],
      () => ["save", saveParams(call)],
      () => ["load", { key }],
      () => ["load", { key, values: false }],
      () => ["value", { values: call.references, parts: random.chance(0.5) }],
      () => ["value", { values: call.record.references, parts: true }],
      () => ["has", { values: call.references }],
      () => ["contains", { key: digest }],
      () => ["evict", { key: random.pick([key, digest]) }],
      () => ["list", { prefix: random.pick(["", key.slice(0, 3), digest]) }],
      () => ["list", { prefix: "", limit: random.below(10) }],
      () => ["shrink", { keys: [key, digest] }],
      () => ["query", { name: random.pick([null, "f", "g"]) }],
      () => ["query", { name: null, filter: { metadata: { a: { b: 1 } }, result: digest } }],
      () => ["info", {}],
      () => ["ping", {}],
      () => [String(oddValue(random)), {}],
      () => [random.pick(["save", "load", "value", "list", "query"]), { key: oddValue(random) }],
    ])();
    const hasValues = method === "save" ? random.chance(0.9) : random.chance(this.#hostility / 20);
    if (hasValues) {
      const limits = this.#limits;
      this.#uploads.set(id, valuesDrafts(id, { call, limits, random })[Symbol.iterator]());
    }
    return { kind: FRAME.request, id, fields: [method, params, hasValues] };
  }

  // Values regardless of credit.
  #overdraw(): void {
    for (let count = 200; count > 0; count--) {
      const draft = this.#upload({ free: true });
      if (draft !== undefined) this.#send(draft);
    }
  }

  // The next frame of values for which there is credit.
  #upload({ free = false } = {}): Draft | undefined {
    for (const [id, drafts] of this.#uploads) {
      if (!free && this.#random.chance(0.3)) continue;
      const next = this.#next.get(id) ?? drafts.next().value;
      if (next === undefined) {
        this.#uploads.delete(id);
        return { kind: FRAME.end, id, fields: [] };
      }
      const [bytes] = next.fields;
      const cost = bytes instanceof Uint8Array ? bytes.length : draftBytes(next).length;
      if (!free && cost > this.#up.left(id)) this.#next.set(id, next);
      else {
        this.#next.delete(id);
        return next;
      }
    }
    return undefined;
  }

  // Credit for what has come.
  #payment(): Draft | undefined {
    const owed = [...this.#owed.entries()];
    if (owed.length === 0) return undefined;
    const [id, count] = this.#random.pick(owed);
    this.#owed.delete(id);
    return { kind: FRAME.credit, id, fields: [count] };
  }

  #pay(): void {
    for (let draft = this.#payment(); draft !== undefined; draft = this.#payment()) {
      this.#send(draft);
    }
  }

  #send(...drafts: Draft[]): void {
    for (const draft of drafts) this.#push(draftBytes(draft));
  }

  #push(bytes: Uint8Array): void {
    if (this.breach !== undefined) return;
    this.frames++;
    // What is given is overwritten afterwards, as a reader's buffer is.
    const given = bytes.slice();
    try {
      const at = this.#random.chance(0.1) ? this.#random.below(given.length) : given.length;
      this.#server.push(given.subarray(0, at));
      this.#server.push(given.subarray(at));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.breach = error;
      return;
    } finally {
      given.fill(0xc1);
    }
    for (const frame of this.#mirror.push(bytes)) this.#note(frame);
  }

  #note(frame: Frame): void {
    const { kind, id } = frame;
    if (kind === FRAME.credit) return this.#down.grant(frame);
    this.#up.spend(frame);
    // Else the server has to have noticed.
    if (kind === FRAME.item || kind === FRAME.chunk) {
      // Credit may be on its way.
      if (this.#up.left(id) < 0) this.#drain();
      this.#up.check(id);
    }
    if (kind !== FRAME.request) return;
    this.#open.set(id, (this.#open.get(id) ?? 0) + 1);
    this.#up.begin(id);
    this.#down.begin(id);
  }

  // Reads what the server sends; whether there was anything.
  #drain(): boolean {
    let isAny = false;
    for (let bytes = this.#outbox.take(); bytes !== undefined; bytes = this.#outbox.take()) {
      for (const frame of this.#answers.push(bytes)) this.#read(frame);
      isAny = true;
    }
    return isAny;
  }

  #read(frame: Frame): void {
    const { kind, id, fields } = frame;
    if (kind === FRAME.credit) {
      this.#up.grant(frame);
      // A number may be used again, with an account of its own.
      if (this.#hostility === 0) this.#up.checkGrants(id);
      return;
    }
    assert(this.#open.has(id), `The server answers request ${id}, which is not under way`);
    if (kind === FRAME.item || kind === FRAME.chunk) {
      this.#down.spend(frame);
      if (!this.#isFinishing && this.#hostility === 0) this.#down.check(id);
      this.#owe(id, this.#down.cost(frame));
      return;
    }
    assert(kind === FRAME.answer || kind === FRAME.error, `The server sends the kind ${kind}`);
    this.#noteAnswer(kind === FRAME.error ? fields[0] : undefined);
    const left = (this.#open.get(id) ?? 0) - 1;
    if (left > 0) this.#open.set(id, left);
    else this.#open.delete(id);
    this.#owed.delete(id);
    if (!this.#uploads.delete(id)) return;
    this.#next.delete(id);
    if (!this.#isFinishing) this.#send({ kind: FRAME.cancel, id, fields: [] });
  }

  #owe(id: number, count: number): void {
    for (const each of [id, 0]) this.#owed.set(each, (this.#owed.get(each) ?? 0) + count);
  }

  #noteAnswer(error: unknown): void {
    const isKnown = error === undefined || isTable(error) && isKnownError(error);
    assert(isKnown, `A strange error: ${JSON.stringify(error)}`);
    const name = isTable(error) ? String(error["code"] ?? error["name"]) : "answer";
    this.#errors.set(name, (this.#errors.get(name) ?? 0) + 1);
  }

  // Everything is answered in the end, and nothing is left over.
  async #end(): Promise<void> {
    if (this.breach !== undefined) this.#server.abandon();
    else if (this.#hostility === 0) await this.#settle();
    this.#isFinishing = true;
    const finished = this.#server.finish();
    assert(await settles(finished, () => this.#drain()), "The server does not come to an end");
    await finished;
    this.#drain();
    assert(this.#outbox.isEmpty, "Something is left to send");
    if (this.breach === undefined) this.#checkAnswered();
  }

  #checkAnswered(): void {
    assert.deepEqual(this.#ids(), [], "Requests without an answer");
  }

  // What a client does that has nothing more to ask for: then all is as in the beginning.
  async #settle(): Promise<void> {
    for (let idle = 0; this.#open.size > 0 || this.#uploads.size > 0; idle++) {
      assert(idle < 50, `Requests ${this.#ids()} are never answered`);
      for (let draft = this.#upload(); draft !== undefined; draft = this.#upload()) {
        this.#send(draft);
        idle = -1;
      }
      this.#pay();
      for (let steps = 0; steps < 20; steps++) await undefined;
      if (this.#drain()) idle = -1;
      if (this.breach !== undefined) throw this.breach;
    }
    assert(4 * this.#up.all >= 3 * this.#limits.connectionWindow, "Credit is lost");
    if (this.#random.chance(0.1)) await this.#fill();
  }

  // As much as there may be at a time: nothing of the former requests is under way any more.
  async #fill(): Promise<void> {
    const { requests, requestBytes } = this.#limits;
    if (requests > 100) return;
    for (let steps = 0; steps < 20; steps++) await undefined;
    const padding = "x".repeat(Math.min(requestBytes, 100_000) / 2 - 200);
    for (
      const params of [Array.from({ length: requests }, () => ({})), [{ padding }, { padding }]]
    ) {
      this.#send(...params.map((each) => {
        return { kind: FRAME.request, id: this.#id++, fields: ["ping", each, false] };
      }));
      if (this.breach !== undefined) throw this.breach;
      for (let steps = 0; steps < 200; steps++) await undefined;
      this.#drain();
      this.#checkAnswered();
    }
  }
}
