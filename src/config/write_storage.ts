import { CallFile } from "../storage/call_file.ts";
import { CallHdf5 } from "../storage/call_hdf5.ts";
import { CallMemory } from "../storage/call_memory.ts";
import { CallSql } from "../storage/call_sql.ts";
import { CallVoid } from "../storage/call_void.ts";
import type { CallStorage, ValueStorage } from "../storage/storage.ts";
import { ValueFile } from "../storage/value_file.ts";
import { ValueHdf5 } from "../storage/value_hdf5.ts";
import { ValueMemory } from "../storage/value_memory.ts";
import { ValueSqlite } from "../storage/value_sqlite.ts";
import { ValueVoid } from "../storage/value_void.ts";
import type { StorageConfig } from "./build_storage.ts";

/** The options that storages have, each with its default. */
interface StorageOptions {
  readonly compress?: unknown;
  readonly secretKey?: readonly string[] | undefined;
  readonly verify?: unknown;
  readonly durability?: unknown;
  readonly lockTimeout?: unknown;
  readonly journal?: unknown;
  readonly echo?: unknown;
}

/**
 * The configuration of a storage, as `storageFromConfig` takes it. What has its default value is
 * left out. Keys for signing are written, unless they are those of the environment.
 *
 * @throws {TypeError} If the storage is of a class that no configuration names.
 */
export function storageToConfig(storage: ValueStorage | CallStorage): StorageConfig {
  if (storage instanceof ValueMemory || storage instanceof CallMemory) return { type: "memory" };
  if (storage instanceof ValueVoid || storage instanceof CallVoid) return { type: "void" };
  if (storage instanceof ValueFile || storage instanceof CallFile) {
    return { type: "file", root: storage.root, ...optionsOf(storage) };
  }
  if (storage instanceof ValueHdf5 || storage instanceof CallHdf5) {
    return { type: "hdf5", root: storage.root, ...optionsOf(storage) };
  }
  if (storage instanceof ValueSqlite) {
    return { type: "sqlite", path: storage.path, ...optionsOf(storage) };
  }
  if (storage instanceof CallSql) {
    return { type: "sql", ...unless("sqlite://", { url: storage.url }), ...optionsOf(storage) };
  }
  throw new TypeError(`Cannot configure a storage of class ${storage.constructor.name}`);
}

function optionsOf(storage: StorageOptions): Record<string, unknown> {
  const { compress, secretKey, verify, durability, lockTimeout, journal, echo } = storage;
  const all = {
    ...unless(false, { compress, echo }),
    ...unless("crc", { verify }),
    ...unless("rename", { durability }),
    ...unless(30, { lock_timeout: lockTimeout }),
    ...{ journal, secret_key: secretKey && [...secretKey] },
  };
  return unless(undefined, all);
}

/** The options, but for those that have a value. */
export function unless(value: unknown, options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, each]) => each !== value));
}
