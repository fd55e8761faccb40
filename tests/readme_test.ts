import assert from "node:assert";
import deno from "../deno.json" with { type: "json" };
import { VERSION } from "../src/version.ts";

/** The first example of the README, which stores where a new user's results go. */
async function firstExample(): Promise<string> {
  const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));
  const code = /```ts ignore\n([^]*?)```/.exec(readme)?.[1];
  assert(code !== undefined);
  return code;
}

Deno.test("README: the first example runs as it stands, and loads its result the second time", async () => {
  const home = await Deno.makeTempDir();
  const file = new URL(`../examples/.first-${crypto.randomUUID()}.ts`, import.meta.url);
  try {
    // Inside the package, where jsr:@fleche/core is the package itself.
    await Deno.writeTextFile(file, await firstExample());
    const run = async () => {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--no-prompt",
          "--allow-read",
          "--allow-write",
          "--allow-env",
          "--allow-sys",
          file.href,
        ],
        env: { XDG_CACHE_HOME: home, DENO_DIR: await denoFolder(), NO_COLOR: "1" },
      }).output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      assert.equal(code, 0, text(stderr));
      return { printed: text(stdout).trim().split("\n"), said: text(stderr) };
    };
    const first = await run();
    const second = await run();
    assert.equal(first.printed.length, 2);
    assert.equal(first.printed[0], first.printed[1]);
    assert.deepEqual(second.printed, first.printed);
    // Where results go is said when the first one is stored, and only then.
    assert.match(first.said, /storing results in /);
    assert.doesNotMatch(second.said, /storing results in /);
  } finally {
    await Deno.remove(file);
    await Deno.remove(home, { recursive: true });
  }
});

async function denoFolder(): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

Deno.test("VERSION is that of deno.json", () => {
  assert.equal(VERSION, deno.version);
});
