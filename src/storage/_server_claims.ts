import { createHash } from "node:crypto";
import { warnOnce } from "../log.ts";
import { hostName } from "../paths.ts";
import type { SqlLocks } from "./_sql_driver.ts";
import type { ServerAddress } from "./_sql_url.ts";
import { type Claim, type Claims, type Holder, readTime } from "./claims.ts";

/** Hexadecimal digits of the digest that names a lock: MySQL takes names of 64 characters at most. */
const NAME_DIGITS = 48;

/** Keys of which a row holds what its call waits for. */
const MAX_WAITS = 30;

const COLUMNS =
  "call_key VARCHAR(64) PRIMARY KEY, host VARCHAR(255) NOT NULL, pid BIGINT NOT NULL, " +
  "since BIGINT NOT NULL, waits VARCHAR(2000) NOT NULL";

// What is in the table is of no use once the server has stopped.
const CREATE = {
  postgresql: `CREATE UNLOGGED TABLE IF NOT EXISTS fleche_claims (${COLUMNS})`,
  mysql:
    `CREATE TABLE IF NOT EXISTS fleche_claims (${COLUMNS}) ENGINE = MEMORY CHARACTER SET ascii`,
} as const;
const INSERT =
  "INSERT INTO fleche_claims (call_key, host, pid, since, waits) VALUES (?, ?, ?, ?, '')";
const DELETE = "DELETE FROM fleche_claims WHERE call_key = ?";
const WAIT = "UPDATE fleche_claims SET waits = ? WHERE call_key = ?";
const SELECT = "SELECT host, pid, since, waits FROM fleche_claims WHERE call_key = ?";

/**
 * Claims as locks that a database server keeps as long as the connection lasts that took them.
 *
 * For those who wait, a table tells of each claim: who has it, since when, and which calls it waits
 * for. A row counts only as long as the lock is held; where there is no such table and it cannot be
 * made, claims work all the same.
 */
export class ServerClaims implements Claims {
  /** The database. */
  readonly place: string;
  readonly #locks: SqlLocks;
  readonly #address: ServerAddress;
  /** The keys that are claimed, and those that each of them waits for. */
  readonly #held = new Map<string, Set<string>>();
  readonly #releasing = new Set<Promise<void>>();
  #hasTable = true;

  /** Takes the database and its locks. */
  constructor(address: ServerAddress, locks: SqlLocks) {
    this.place = address.identity;
    this.#address = address;
    this.#locks = locks;
  }

  /** False where there is no table to tell what waits. */
  get seesCircles(): boolean {
    return this.#hasTable;
  }

  // Servers of MySQL have one set of locks for all their databases.
  #name(key: string): string {
    const digest = createHash("sha256").update(`${this.#address.database} ${key}`).digest("hex");
    return `claim ${digest.slice(0, NAME_DIGITS)}`;
  }

  /** Claims the call of a key. */
  async tryClaim(key: string): Promise<Claim | "claimed" | undefined> {
    // The same session would get a lock twice.
    if (this.#held.has(key)) return "claimed";
    const waits = new Set<string>();
    this.#held.set(key, waits);
    let isClaimed = false;
    try {
      isClaimed = await this.#locks.tryLock(this.#name(key));
    } catch (error) {
      return this.#fail(error);
    } finally {
      if (!isClaimed) this.#held.delete(key);
    }
    if (!isClaimed) return "claimed";
    // Nobody has to wait until the others can hear of it.
    const told = this.#tell(key);
    return {
      [Symbol.asyncDispose]: () => {
        const releasing = told.then(() => this.#release(key, waits))
          .finally(() => this.#releasing.delete(releasing));
        this.#releasing.add(releasing);
        return releasing;
      },
    };
  }

  async #tell(key: string): Promise<void> {
    const row = [key, hostName(), Deno.pid, Date.now()];
    try {
      await this.#locks.query(INSERT, row);
    } catch {
      // There is no table yet, or a row that a dead process has left.
      await this.#write(async () => {
        await this.#makeTable();
        await this.#locks.query(DELETE, [key]);
        await this.#locks.query(INSERT, row);
      });
    }
  }

  async #makeTable(): Promise<void> {
    try {
      await this.#locks.query(CREATE[this.#address.type], []);
    } catch (error) {
      // Others make it at the same time, or have made it for those who may not; or the next statement
      // fails too.
      if (!(error instanceof Error)) throw error;
    }
  }

  // What is only there for others to read must not cost the claim.
  async #write(work: () => Promise<unknown>): Promise<void> {
    if (!this.#hasTable) return;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#hasTable = false;
      warnOnce(
        `claims table ${this.place}`,
        ["wrapper"],
        `Cannot keep the table fleche_claims in ${this.place} (${error.message}): ` +
          "processes that wait for each other run a call twice after five minutes",
      );
    }
  }

  async #release(key: string, waits: Set<string>): Promise<void> {
    // The connection that held it may be closed.
    if (this.#held.get(key) !== waits) return;
    this.#held.delete(key);
    await this.#write(() => this.#locks.query(DELETE, [key]));
    try {
      await this.#locks.unlock(this.#name(key));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Who has claimed a call. */
  async holder(key: string): Promise<Holder | undefined> {
    try {
      const row = await this.#row(key);
      if (row !== undefined) {
        const { host, pid, since } = row;
        return { host: String(host), pid: Number(pid), since: readTime(Number(since)) };
      }
      const name = await this.#locks.holder(this.#name(key));
      const [, host, pid] = /^fleche (.+) (\d+)$/.exec(name ?? "") ?? [];
      return host === undefined ? undefined : { host, pid: Number(pid), since: undefined };
    } catch (error) {
      return this.#fail(error);
    }
  }

  async #row(key: string): Promise<Record<string, unknown> | undefined> {
    if (!this.#hasTable) return undefined;
    return (await this.#locks.query(SELECT, [key])).rows[0];
  }

  /** Tells other processes that calls wait for one; false if it waits for one of them in turn. */
  async mayWait(key: string, waiting: readonly string[]): Promise<boolean> {
    try {
      for (const each of waiting) {
        const waits = this.#held.get(each);
        if (waits !== undefined && !waits.has(key)) await this.#tellWaits(each, waits.add(key));
      }
      return !await this.#leadsTo(key, new Set(waiting), new Set());
    } catch (error) {
      // What cannot be found out may be a circle.
      this.#fail(error);
      return false;
    }
  }

  #tellWaits(key: string, waits: ReadonlySet<string>): Promise<void> {
    const text = [...waits].slice(-MAX_WAITS).join(" ");
    return this.#write(() => this.#locks.query(WAIT, [text, key]));
  }

  async #leadsTo(key: string, targets: ReadonlySet<string>, seen: Set<string>): Promise<boolean> {
    if (targets.has(key)) return true;
    if (seen.has(key)) return false;
    seen.add(key);
    const waits = this.#held.get(key) ?? String((await this.#row(key))?.["waits"] ?? "").split(" ");
    for (const each of waits) {
      if (each !== "" && await this.#leadsTo(each, targets, seen)) return true;
    }
    return false;
  }

  /** Tells other processes that nothing waits for a call any more. */
  async endWait(key: string): Promise<void> {
    for (const [each, waits] of this.#held) {
      if (waits.delete(key)) await this.#tellWaits(each, waits);
    }
  }

  #fail(error: unknown): undefined {
    if (!(error instanceof Error)) throw error;
    warnOnce(
      `claims ${this.place}`,
      ["wrapper"],
      `Cannot lock calls in ${this.place} (${error.message}): ` +
        "several processes may run the same call at the same time",
    );
  }

  /** Waits until what is being given back is free; the connection is then closed by its owner. */
  async close(): Promise<void> {
    await Promise.all(this.#releasing);
    this.#held.clear();
  }
}
