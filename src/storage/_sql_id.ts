import { SaveError } from "../errors.ts";
import type { Row, SqlDriver } from "./_sql_driver.ts";
import { INSERT_ID, SELECT_ID } from "./_sql_queries.ts";
import { newId } from "./_storage_id.ts";
import type { Awaitable } from "./storage.ts";

/** The number of a database, in its table `fleche_identity`. */
export class DatabaseId {
  readonly #driver: SqlDriver;
  readonly #name: string;
  #known: string | undefined;

  /** Takes the database, and what it is called in messages. */
  constructor(driver: SqlDriver, name: string) {
    this.#driver = driver;
    this.#name = name;
  }

  /** The number, if there is one. */
  find(): Awaitable<string | undefined> {
    if (this.#known !== undefined) return this.#known;
    const row = this.#driver.get(SELECT_ID, []);
    return row instanceof Promise ? row.then((found) => this.#keep(found)) : this.#keep(row);
  }

  #keep(row: Row | undefined): string | undefined {
    const id = row?.["id"];
    return this.#known = typeof id === "string" ? id : undefined;
  }

  /**
   * The number, which is drawn if there is none.
   *
   * @throws {SaveError} If it cannot be written.
   */
  ensure(): Awaitable<string> {
    return this.#known ?? this.#ensure();
  }

  async #ensure(): Promise<string> {
    try {
      return await this.find() ?? await this.#draw();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `Cannot write the number of the database ${this.#name}: ${reason}`;
      throw new SaveError(message, { key: this.#name }, { cause });
    }
  }

  // Of several processes the first one draws.
  async #draw(): Promise<string> {
    const id = newId();
    try {
      await this.#driver.run(INSERT_ID, [id]);
      return this.#known = id;
    } catch (error) {
      const drawn = await this.find();
      if (drawn === undefined) throw error;
      return drawn;
    }
  }

  /** Has it read again: another database may be opened the next time. */
  forget(): void {
    this.#known = undefined;
  }
}
