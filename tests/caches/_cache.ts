import type { CacheManifest } from "./_cache_manifest.ts";
import {
  testFinding,
  testLoading,
  testNotFinding,
  testPersistent,
  testQueries,
  testValues,
} from "./_cache_reading.ts";
import { testAny, testEvicting, testRefusing, testWritable } from "./_cache_writing.ts";

/** Tests a cache; those that come to be need one line for each. */
export function testCache(manifest: CacheManifest): void {
  const keepsCalls = manifest.keepsCalls ?? manifest.findsCalls;
  const writable = manifest.writable ?? true;
  testAny(manifest);
  if (writable) testWritable(manifest);
  else testRefusing(manifest);
  if (manifest.findsCalls) testFinding(manifest);
  else testNotFinding(manifest);
  if (manifest.findsCalls && writable) testEvicting(manifest);
  if (manifest.findsCalls && manifest.keepsValues) testLoading(manifest);
  if (manifest.keepsValues) testValues(manifest);
  if (keepsCalls) testQueries(manifest);
  if (manifest.persistent && keepsCalls) testPersistent(manifest);
}
