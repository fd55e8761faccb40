import assert from "node:assert";
import { RemoteConnectionError } from "@fleche/core";
import { StallWatch } from "../../src/remote/_stall_watch.ts";
import { Site } from "./_site.ts";
import { HAS_SSHD } from "./_sshd.ts";
import { inTime } from "./_wait.ts";

const ignore = !HAS_SSHD;

Deno.test("StallWatch reports once that nothing moves", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let reports = 0;
  const watch = new StallWatch(0.02, () => {
    reports++;
    resolve();
  });
  watch.start();
  await inTime(promise, "the report");
  assert.equal(reports, 1);
});

Deno.test("StallWatch reports nothing while something moves, and nothing when it is stopped", async () => {
  let reports = 0;
  const watch = new StallWatch(1, () => reports++);
  watch.start();
  // Half as long again as it waits for, in steps that are far shorter.
  for (const start = performance.now(); performance.now() - start < 1500;) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    watch.moved();
  }
  watch.stop();
  assert.equal(reports, 0);
});

Deno.test("StallWatch without a limit starts no timer", () => {
  // The test runner would complain of a timer that is left over.
  new StallWatch(Infinity, () => assert.fail()).start();
});

Deno.test("StallWatch tells once of each standstill before it gives up", async () => {
  const events: string[] = [];
  const told = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const stalled = Promise.withResolvers<void>();
  const onWait = (seconds: number) => {
    assert(seconds >= 0.05, `${seconds}`);
    told[events.push("wait") - 1]?.resolve();
  };
  const onStall = () => {
    events.push("stall");
    stalled.resolve();
  };
  const watch = new StallWatch(1, onStall, { onWait, notice: 0.05 });
  watch.start();
  await inTime(told[0]?.promise ?? assert.fail(), "the first notice");
  watch.moved();
  await inTime(told[1]?.promise ?? assert.fail(), "the second notice");
  await inTime(stalled.promise, "the end");
  assert.deepEqual(events, ["wait", "wait", "stall"]);
});

Deno.test("StallWatch does not count the time in which the program is busy", async () => {
  const stalled = Promise.withResolvers<void>();
  let isBusy = true;
  const watch = new StallWatch(0.2, () => stalled.resolve(assert(!isBusy)));
  watch.start();
  for (const start = performance.now(); performance.now() - start < 1500;);
  // The timers that were due meanwhile run first.
  await new Promise((resolve) => setTimeout(resolve, 0));
  isBusy = false;
  await inTime(stalled.promise, "the end");
});

Deno.test("SshCache gives up a server that greets and then says nothing", { ignore }, async () => {
  await using site = await Site.start();
  const command = site.script("mute", "printf '\\nfleche/1 0.1.0\\n'; exec cat >/dev/null");
  await using cache = site.cache({ command, timeout: 0.3 });
  await assert.rejects(inTime(cache.contains("ab".repeat(32)), "the error"), (error) => {
    assert(error instanceof RemoteConnectionError, `${error}`);
    assert.match(error.message, /has not moved for 0\.3 seconds/);
    return true;
  });
});
