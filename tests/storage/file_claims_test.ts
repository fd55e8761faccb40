import assert from "node:assert/strict";
import { hostname } from "node:os";
import { FileClaims } from "../../src/storage/_file_claims.ts";
import type { Claim } from "../../src/storage/claims.ts";
import { filesBelow, TemporaryFolder } from "./_temporary_folder.ts";

const [A, B, C] = ["a", "b", "c"].map((digit) => digit.repeat(64)) as [string, string, string];

// Locks belong to open files, so that two objects exclude each other as two processes do.
function rivals(folder: TemporaryFolder): [FileClaims, FileClaims] {
  return [new FileClaims(folder.join("locks")), new FileClaims(folder.join("locks"))];
}

function claimed(claims: FileClaims, key: string): Claim {
  const claim = claims.tryClaim(key);
  assert(typeof claim === "object", `${claim}`);
  return claim;
}

function keysOf(folder: TemporaryFolder): string[] {
  return filesBelow(folder.join("locks")).filter((name) => !name.startsWith("process-"));
}

Deno.test("tryClaim() gives a key to one at a time", async () => {
  using folder = new TemporaryFolder();
  const [one, other] = rivals(folder);
  const claim = claimed(one, A);
  assert.equal(one.tryClaim(A), "claimed");
  assert.equal(other.tryClaim(A), "claimed");
  await claimed(other, B)[Symbol.asyncDispose]();
  assert.deepEqual(keysOf(folder), [A]);
  await claim[Symbol.asyncDispose]();
  const next = claimed(other, A);
  // To give back what one does not have any more changes nothing.
  await claim[Symbol.asyncDispose]();
  assert.equal(one.tryClaim(A), "claimed");
  await next[Symbol.asyncDispose]();
  one.close();
  other.close();
  assert.deepEqual(filesBelow(folder.path), []);
});

Deno.test("holder() says who has claimed a key, and since when", () => {
  using folder = new TemporaryFolder();
  const [one, other] = rivals(folder);
  const before = Date.now();
  claimed(one, A);
  claimed(one, B);
  for (const claims of [one, other]) {
    const { host, pid, since } = claims.holder(A) ?? {};
    assert.deepEqual([host, pid], [hostname(), Deno.pid]);
    assert(since !== undefined && since.getTime() >= before && since.getTime() <= Date.now());
    assert.equal(claims.holder(C), undefined);
  }
  one.end();
});

Deno.test("tryClaim() takes what nobody has locked", async () => {
  using folder = new TemporaryFolder();
  const [one] = rivals(folder);
  Deno.mkdirSync(folder.join("locks"));
  // Left by a process that is dead: its own file, a key with the same number, and one of its own.
  Deno.writeTextFileSync(folder.join("locks", "process-gone"), '{"host":"gone","pid":1}\n');
  Deno.linkSync(folder.join("locks", "process-gone"), folder.join("locks", A));
  Deno.linkSync(folder.join("locks", "process-gone"), folder.join("locks", B));
  Deno.writeTextFileSync(folder.join("locks", C), "");
  const claims = [claimed(one, B), claimed(one, C)];
  // What nobody asks for goes with the process that it belongs to.
  assert.deepEqual(keysOf(folder), [B, C]);
  for (const claim of claims) await claim[Symbol.asyncDispose]();
  one.close();
  assert.deepEqual(filesBelow(folder.path), []);
});

Deno.test("tryClaim() gives a key anew whose file was removed", async () => {
  using folder = new TemporaryFolder();
  const [one, other] = rivals(folder);
  const claim = claimed(one, A);
  Deno.removeSync(folder.join("locks", A));
  const second = claimed(other, A);
  assert.equal(one.holder(A)?.pid, Deno.pid);
  await claim[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
  assert.deepEqual(keysOf(folder), []);
  one.end();
  other.end();
});

Deno.test("mayWait() finds circles, and no others", async () => {
  using folder = new TemporaryFolder();
  const [one, other] = rivals(folder);
  const third = new FileClaims(folder.join("locks"));
  const claims = [claimed(one, A), claimed(other, B), claimed(third, C)];
  assert.equal(one.mayWait(A, [A]), false);
  assert.equal(one.mayWait(B, [A]), true);
  assert.equal(other.mayWait(A, [B]), false);
  assert.equal(other.mayWait(C, [B]), true);
  assert.equal(third.mayWait(A, [C]), false);
  assert.equal(third.mayWait(B, []), true);
  // Whoever does not wait any more is in no circle.
  one.endWait(B);
  other.endWait(A);
  assert.equal(third.mayWait(A, [C]), true);
  third.endWait(A);
  // What a key waited for is forgotten with its claim.
  assert.equal(one.mayWait(B, [A]), true);
  await claims[0]?.[Symbol.asyncDispose]();
  claims[0] = claimed(one, A);
  assert.equal(other.mayWait(A, [B]), true);
  for (const each of [one, other, third]) each.end();
  assert.deepEqual(filesBelow(folder.path), []);
});

Deno.test("a lock file does not grow for good, and keeps what holds", async () => {
  using folder = new TemporaryFolder();
  const [one, other] = rivals(folder);
  const before = Date.now();
  claimed(one, A);
  one.mayWait(B, [A]);
  claimed(other, B);
  for (let n = 0; n < 3000; n++) await claimed(one, C)[Symbol.asyncDispose]();
  assert(Deno.statSync(folder.join("locks", A)).size < 150_000);
  assert((other.holder(A)?.since?.getTime() ?? Infinity) - before < 1000);
  assert.equal(other.mayWait(A, [B]), false);
  one.end();
  other.end();
});

Deno.test("close() leaves what is claimed", async () => {
  using folder = new TemporaryFolder();
  const [one, other] = rivals(folder);
  const claim = claimed(one, A);
  one.close();
  assert.equal(other.tryClaim(A), "claimed");
  await claim[Symbol.asyncDispose]();
  one.close();
  other.close();
  assert.deepEqual(filesBelow(folder.path), []);
  // Nothing is made by closing once more, or by asking.
  one.close();
  assert.equal(one.holder(A), undefined);
  assert.deepEqual(filesBelow(folder.path), []);
  await claimed(one, A)[Symbol.asyncDispose]();
  one.close();
});

Deno.test("odd text in another process's lock file does no harm", () => {
  using folder = new TemporaryFolder();
  const [one] = rivals(folder);
  Deno.mkdirSync(folder.join("locks"));
  const path = folder.join("locks", A);
  const elsewhere = folder.join("elsewhere");
  Deno.writeTextFileSync(elsewhere, JSON.stringify({ wait: "../elsewhere", for: [B] }));
  using file = Deno.openSync(path, { write: true, createNew: true });
  file.lockSync(true);
  const wait = { wait: A, for: ["../elsewhere", 1, "\0", null] };
  const lines = [null, 1, [], { host: 1, pid: "x" }, { claim: A, since: 1e300 }, wait];
  const text = lines.map((line) => JSON.stringify(line)).join("\n") + "\n\ud800{";
  file.writeSync(new TextEncoder().encode(text));
  assert.deepEqual(one.holder(A), { host: "an unknown machine", pid: 0, since: undefined });
  claimed(one, B);
  assert.equal(one.tryClaim(A), "claimed");
  assert.equal(one.mayWait(A, [B]), true);
  one.end();
});
