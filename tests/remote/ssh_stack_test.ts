import assert from "node:assert";
import { requiredProgram } from "./_program.ts";
import { Site } from "./_site.ts";
import { HAS_SSHD } from "./_sshd.ts";
import { isRunning, until } from "./_wait.ts";

const { binary, isThere } = await requiredProgram();
const ignore = !HAS_SSHD || !isThere;

// What `analyse` of _session.ts gives for the seeds 1, 2 and 3.
const RESULTS = [1, 2, 3].map((seed) => seed / 2 + 299_999 * seed);

Deno.test(
  "CacheStack of a local cache and the compiled program over ssh finds on one side what a process that has ended saved on the other",
  { ignore },
  async () => {
    await using site = await Site.start();
    const far = site.config({ command: [binary] });
    // One saves on the far side.
    const first = await site.session("analyse", [far]);
    assert.deepEqual(first, { code: 0, printed: { results: RESULTS, runs: 3 }, stderr: "" });
    // Another, with a cache of its own in front, finds it there.
    const stack = [site.local("near"), far];
    const second = await site.session("analyse", stack);
    assert.deepEqual(second, { code: 0, printed: { results: RESULTS, runs: 0 }, stderr: "" });
    // What was found has been copied, so that the server is not needed any more.
    await site.sshd.stop();
    const third = await site.session("analyse", [site.local("near")]);
    assert.deepEqual(third, { code: 0, printed: { results: RESULTS, runs: 0 }, stderr: "" });
  },
);

Deno.test(
  "CacheStack with the compiled program over ssh in front saves there, and finds what the local cache has",
  { ignore },
  async () => {
    await using site = await Site.start();
    const far = site.config({ command: [binary] });
    const first = await site.session("analyse", [site.local()]);
    assert.deepEqual(first.printed, { results: RESULTS, runs: 3 });
    const second = await site.session("analyse", [far, site.local()]);
    assert.deepEqual(second, { code: 0, printed: { results: RESULTS, runs: 0 }, stderr: "" });
    const third = await site.session("analyse", far);
    assert.deepEqual(third, { code: 0, printed: { results: RESULTS, runs: 0 }, stderr: "" });
  },
);

Deno.test("SshCache tells of the compiled program that serves it", { ignore }, async () => {
  await using site = await Site.start();
  await using cache = site.cache({ command: [binary], cacheName: "shared" });
  const info = await cache.info();
  assert.equal(Deno.realPathSync(info.executable), Deno.realPathSync(binary));
  assert.equal(info.cacheName, "shared");
  assert.equal(info.hostname, Deno.hostname());
  assert.equal(info.readOnly, false);
  assert.deepEqual(info.cache, {
    values: { type: "file", root: "~/shared/values" },
    calls: { type: "sql", url: "sqlite:///~/shared/calls.db" },
  });
  assert(isRunning(info.pid));
  await cache.close();
  await until(() => !isRunning(info.pid), "the end of the server");
});
