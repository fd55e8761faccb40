import type { Call } from "./call.ts";
import type { Metadata } from "./call_record.ts";
import { inTime } from "./in_time.ts";
import { copiedJson, isName } from "./json.ts";
import type { CallPosition, MetaData, Notes } from "./metadata/meta_data.ts";

/** How long a call waits for metadata before it begins without, in seconds. */
const PATIENCE = 10;

/** What notes of a call are taken with. */
export interface NoteOptions {
  /** What is noted. */
  readonly metadata: readonly MetaData[];
  /** The call. */
  readonly call: Call;
  /** Where it stands. */
  readonly position: CallPosition;
  /** Says that something could not be noted. */
  warn(error: unknown): void;
}

/** What is noted of one call. Metadata that fails costs a warning and is left out. */
export class CallNotes {
  readonly #options: NoteOptions;
  readonly #before: Notes[];

  private constructor(options: NoteOptions, before: Notes[]) {
    this.#options = options;
    this.#before = before;
  }

  /** Takes the notes that may take time. */
  static async begin(options: NoteOptions): Promise<CallNotes> {
    const { metadata, call, position, warn } = options;
    const before = metadata.map(async (each): Promise<Notes> => {
      try {
        const notes = each.before?.(call, position);
        return checked(
          each,
          notes instanceof Promise ? await inTime(notes, PATIENCE, each.name) : notes,
        );
      } catch (error) {
        warn(error);
        return {};
      }
    });
    return new CallNotes(options, await Promise.all(before));
  }

  /** Takes those of the moment when the call begins. */
  start(): void {
    const { metadata, call, position } = this.#options;
    metadata.forEach((each, index) => {
      this.#add(index, () => each.start?.(call, position));
    });
  }

  /** Takes those of the end. */
  end(): Metadata {
    const { metadata, call } = this.#options;
    const noted: Metadata = {};
    metadata.forEach((each, index) => {
      this.#add(index, (before) => each.after?.(checked(each, before), call));
      const notes = { ...noted[each.name], ...this.#before[index] };
      if (Object.keys(notes).length > 0) noted[each.name] = notes;
    });
    return noted;
  }

  #add(index: number, take: (before: Notes) => Notes | undefined): void {
    const { metadata, warn } = this.#options;
    // There is one of each.
    const [each, before] = [metadata[index] as MetaData, this.#before[index] as Notes];
    try {
      this.#before[index] = { ...before, ...checked(each, take(before)) };
    } catch (error) {
      warn(error);
    }
  }
}

// A copy: what is changed later may come to be what no record can hold.
function checked({ name }: MetaData, notes: Notes | undefined): Notes {
  if (notes === undefined) return {};
  if (!isName(name)) throw new TypeError(`No metadata can have the name ${JSON.stringify(name)}`);
  const copy = copiedJson(notes);
  if (typeof copy === "object" && copy !== null && !Array.isArray(copy)) return copy;
  throw new TypeError(`The metadata "${name}" gave what cannot be stored: only plain JSON can`);
}
