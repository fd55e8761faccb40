import { Environment } from "@fleche/core";
import assert from "node:assert";
import { hostname, userInfo } from "node:os";
import { Folder, PACKAGE, run } from "../_wrapper_program.ts";
import { noted } from "./_noted.ts";

Deno.test("Environment notes where a call ran, and on what", async () => {
  const { environment } = await noted([new Environment()]);
  assert.deepEqual({ ...environment, fleche: undefined }, {
    hostname: hostname(),
    username: userInfo().username,
    cwd: Deno.cwd(),
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    fleche: undefined,
    os: Deno.build.os,
    arch: Deno.build.arch,
  });
  assert.match(String(environment?.["fleche"]), /^\d+\.\d+\.\d+/);
});

Deno.test("Environment leaves out what the program may not see, and does not ask", async () => {
  await using folder = await Folder.make({
    "main.ts": `import { Environment } from ${JSON.stringify(PACKAGE)};
      console.log(Object.keys(new Environment().before()).join());`,
  });
  const config = new URL("../../deno.json", import.meta.url).pathname;
  // Without --no-prompt: with nobody at the prompt, a question would end the program.
  const args = ["run", "--quiet", "--no-check", "--no-lock", "--config", config, "main.ts"];
  const { stdout, stderr } = await run(Deno.execPath(), args, { cwd: folder.path });
  assert.equal(stdout, "deno,v8,fleche,os,arch\n");
  assert.equal(stderr, "");
});
