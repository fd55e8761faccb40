import { Cache, CacheStack, CallMemory, type SshCache, ValueMemory } from "@fleche/core";
import { join } from "node:path";
import { testCache } from "../caches/_cache.ts";
import { Site } from "./_site.ts";
import { HAS_SSHD } from "./_sshd.ts";

/** What each test finds on the far side: a configuration in the folder where it works. */
const CONFIGURATIONS: Readonly<Record<string, string>> = {
  "files and SQLite": `
    [own]
    values = { type = "file", root = "values" }
    calls = { type = "sql", url = "calls.db" }`,
  "sealed files": `
    [own]
    template = "file"
    root = "sealed"
    compress = true
    secret_key = ["${"5a".repeat(32)}"]`,
};

let site: Promise<Site> | undefined;

// One server does for all tests.
Deno.test.afterAll(async () => {
  await (await site)?.[Symbol.asyncDispose]();
});

async function far(folder: string, configuration: string): Promise<SshCache> {
  const text = `[default]\nroot = true\ncache = "own"\n${configuration}\n`;
  Deno.writeTextFileSync(join(folder, "fleche.toml"), text);
  site ??= Site.start();
  return (await site).cache({ workdir: folder });
}

const KEEPING = { findsCalls: true, keepsValues: true };

if (HAS_SSHD) {
  for (const [name, configuration] of Object.entries(CONFIGURATIONS)) {
    testCache({
      name: `SshCache of ${name}`,
      ...KEEPING,
      persistent: true,
      open: async (folder) => {
        const cache = await far(folder, configuration);
        return { cache, behind: cache };
      },
    });
  }

  testCache({
    name: "CacheStack of memory and a cache that is reached over ssh",
    ...KEEPING,
    persistent: false,
    open: async (folder) => {
      const near = new Cache({ values: new ValueMemory(), calls: new CallMemory() });
      const behind = await far(folder, CONFIGURATIONS["files and SQLite"] ?? "");
      return { cache: new CacheStack([near, behind]), behind };
    },
  });
}
