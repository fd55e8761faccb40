import type { SshCache } from "@fleche/core";
import { join } from "node:path";
import { testCache } from "../caches/_cache.ts";
import { Site } from "./_site.ts";
import { HAS_SSHD } from "./_sshd.ts";

/** What each test finds on the far side, in the folder where the server works. */
const CONFIGURATION = `
[default]
root = true
cache = "own"

[own]
values = { type = "file", root = "values" }
calls = { type = "sql", url = "calls.db" }
`;

let site: Promise<Site> | undefined;

// One server does for all tests.
Deno.test.afterAll(async () => {
  await (await site)?.[Symbol.asyncDispose]();
});

async function far(folder: string): Promise<SshCache> {
  Deno.writeTextFileSync(join(folder, "fleche.toml"), CONFIGURATION);
  site ??= Site.start();
  return (await site).cache({ workdir: folder });
}

if (HAS_SSHD) {
  testCache({
    name: "SshCache",
    findsCalls: true,
    keepsValues: true,
    persistent: true,
    open: async (folder) => {
      const cache = await far(folder);
      return { cache, behind: cache };
    },
  });
}
