import assert from "node:assert";
import { fileURLToPath } from "node:url";

/** The tests, in a program of their own. */
const CASES = fileURLToPath(new URL("_isolate_cases.ts", import.meta.url));

// A process has one working directory, and other tests run in this one at the same time.
Deno.test("isolate works in a process of its own", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "--no-prompt", "--no-check"],
      ...["--allow-read", "--allow-write", "--allow-env", "--allow-sys", "--allow-run"],
      CASES,
    ],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert.equal(code, 0, text + new TextDecoder().decode(stderr));
  assert(Number(/(\d+) passed/.exec(text)?.[1]) >= 13, text);
});
