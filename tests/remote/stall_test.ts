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

Deno.test("SshCache gives up a server that greets and then says nothing", { ignore }, async () => {
  await using site = await Site.start();
  const command = site.script("mute", "printf '\\nfleche/1 0.1.0\\n'; exec cat >/dev/null");
  await using cache = site.cache({ command, saveTimeout: 0.3 });
  await assert.rejects(inTime(cache.contains("ab".repeat(32)), "the error"), (error) => {
    assert(error instanceof RemoteConnectionError, `${error}`);
    assert.match(error.message, /has not moved for 0\.3 seconds/);
    return true;
  });
});
