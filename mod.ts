/**
 * A persistent, content-addressed cache for the results of functions, with provenance, queries, and
 * sharing over SSH.
 *
 * @example Usage
 * ```ts
 * import { fleche, withCache } from "@fleche/core";
 * import assert from "node:assert";
 *
 * const square = fleche((x: number) => x * x, { name: "square", version: 1 });
 * await withCache("memory", async () => {
 *   assert.equal(await square(12), 144); // runs and stores
 *   assert.equal(await square(12), 144); // loads
 * });
 * ```
 *
 * @module
 */

export { fleche, type FlecheFunction } from "./src/fleche.ts";
export type { FlecheOptions } from "./src/fleche_options.ts";
export type { Fleche, FunctionTemplate, Handles } from "./src/handles.ts";
export type { AsyncMethod, MethodDecorator } from "./src/method.ts";
export {
  type Difference,
  Explanation,
  type ExplanationParts,
  type ExplanationStatus,
} from "./src/explanation.ts";
export type { AnyFunction, HashCode } from "./src/function_profile.ts";
export type { OnStale } from "./src/cached_function.ts";
export type { Dependencies } from "./src/function_keys.ts";
export {
  cache,
  meta,
  project,
  tags,
  withCache,
  withMeta,
  withProject,
  withTags,
} from "./src/context.ts";
export { digest } from "./src/codec/digest_value.ts";
export { D, Digest } from "./src/digest.ts";
export { registerType } from "./src/codec/registry.ts";
export type { RegisteredType } from "./src/codec/registry.ts";
export { Identity, type IdentityKind } from "./src/codec/identity.ts";
export { pure } from "./src/pure.ts";
export { Call, type CallOptions } from "./src/call.ts";
export type { CacheStats, FunctionAmount, StoredAmount } from "./src/caches/cache_stats.ts";
export {
  type DeepSource,
  type FoundValue,
  LazyCall,
  type OpenValue,
  type ValueSource,
} from "./src/lazy_call.ts";
export { type Outcome, PreparedCall, type PreparedCallActions } from "./src/prepared_call.ts";
export { CallRecord, type Metadata, type RecordFields } from "./src/call_record.ts";
export type { Json } from "./src/json.ts";
export type { CallIdentity, HashedField, SelectedIdentity } from "./src/lookup_key.ts";
export type { RecordFilter } from "./src/record_filter.ts";
export type { Slot } from "./src/slot.ts";
export { QueryIterator, type QuerySource, type SortOptions } from "./src/query.ts";
export { QueryCall, type QueryTemplate } from "./src/query_call.ts";
export type { CallField, CallKey } from "./src/query_keys.ts";
export type { TransferCounts, TransferOptions, TransferTarget } from "./src/transfer.ts";
export {
  type CallColumn,
  type CallRow,
  CallTable,
  type CallTableOptions,
  type CsvOptions,
  type TextOptions,
} from "./src/call_table.ts";
export type { CallPosition, MetaData, Notes } from "./src/metadata/meta_data.ts";
export { Runtime } from "./src/metadata/runtime.ts";
export { Environment } from "./src/metadata/environment.ts";
export { Git } from "./src/metadata/git.ts";
export { CallInfo } from "./src/metadata/call_info.ts";
export { Tags, type TagSet } from "./src/metadata/tags.ts";
export {
  type AcceptOptions,
  BaseCache,
  CacheStack,
  type CacheTransferOptions,
  type CallPredicate,
  FilteredCache,
  type PrepareOptions,
  ReadOnlyCache,
} from "./src/caches/base_cache.ts";
export { CachePool } from "./src/caches/cache_pool.ts";
export { Cache, type CacheOptions } from "./src/caches/cache.ts";
export type { TransformReport } from "./src/caches/_refile.ts";
export type { RedigestOptions, RedigestReport } from "./src/caches/redigest.ts";
export { transformCalls, type TransformOptions } from "./src/caches/transform_calls.ts";
export type {
  VerifyOptions,
  VerifyProgress,
  VerifyReport,
  VerifyStep,
} from "./src/caches/verify.ts";
export type { Amount, GcOptions, GcProgress, GcReport } from "./src/caches/gc.ts";
export {
  type EvictionPolicy,
  SizeLimitedCache,
  type SizeLimitedCacheOptions,
} from "./src/caches/size_limited_cache.ts";
export { RefreshingCache, type RefreshingCacheOptions } from "./src/caches/refreshing_cache.ts";
export type {
  Awaitable,
  CallStorage,
  Durability,
  Gate,
  Leftovers,
  Storage,
  StorageCapabilities,
  StoredEntry,
  ValueStorage,
  Verify,
} from "./src/storage/storage.ts";
export type { Claim, Claims, Holder } from "./src/storage/claims.ts";
export { ValueMemory } from "./src/storage/value_memory.ts";
export { CallMemory } from "./src/storage/call_memory.ts";
export { ValueVoid } from "./src/storage/value_void.ts";
export { CallVoid } from "./src/storage/call_void.ts";
export { ValueFile, type ValueFileOptions } from "./src/storage/value_file.ts";
export { ValueSqlite, type ValueSqliteOptions } from "./src/storage/value_sqlite.ts";
export type { Compression, SealOptions } from "./src/storage/seal.ts";
export { CallFile, type CallFileOptions } from "./src/storage/call_file.ts";
export { CallHdf5, type CallHdf5Options } from "./src/storage/call_hdf5.ts";
export { ValueHdf5, type ValueHdf5Options } from "./src/storage/value_hdf5.ts";
export { CallSql, type CallSqlOptions } from "./src/storage/call_sql.ts";
export type { JournalMode } from "./src/storage/_sqlite_file.ts";
export type { Encoding, Reference } from "./src/codec/encoding.ts";
export {
  type BuildOptions,
  type CacheConfig,
  cacheFromConfig,
  type CacheTable,
} from "./src/config/build.ts";
export { type StorageConfig, storageFromConfig } from "./src/config/build_storage.ts";
export { cacheToConfig } from "./src/config/write.ts";
export { storageToConfig } from "./src/config/write_storage.ts";
export { loadCacheConfig, loadDefaultMetadata } from "./src/config/load.ts";
export { SshCache, type SshCacheOptions } from "./src/remote/ssh_cache.ts";
export type { RemoteInfo } from "./src/remote/remote_info.ts";
export { serve, type ServeOptions } from "./src/remote/server.ts";
export type { ProtocolLimits } from "./src/remote/limits.ts";
export {
  AmbiguousDigestError,
  ConfigError,
  CorruptValueError,
  IndigestibleError,
  LockTimeoutError,
  NotFoundError,
  ProtocolError,
  RejectedError,
  RemoteConnectionError,
  RemoteError,
  SaveError,
  SignatureError,
  UnknownTypeError,
} from "./src/errors.ts";
