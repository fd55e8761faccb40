import assert from "node:assert";
import { VERSION } from "../../src/version.ts";
import { CLI } from "../remote/_program.ts";
import { PROGRAM } from "../remote/_site.ts";
import { HAS_SSHD } from "../remote/_sshd.ts";
import { Near } from "./_near.ts";

const ignore = !HAS_SSHD;
const INFO = [...CLI, "remote", "info"];
const SECRET = "00".repeat(32);

Deno.test("fleche remote info tells what a cache says of itself", { ignore }, async () => {
  await using near = await Near.start();
  near.configure({ cluster: near.site.config({ cache_name: "shared" }) });
  const json = await near.run([...INFO, "cluster", "--json"]);
  assert.deepEqual([json.code, json.stderr], [0, ""]);
  const { pid, executable, cwd, ...info } = JSON.parse(json.text);
  assert.deepEqual(info, {
    host: near.site.sshd.host,
    version: VERSION,
    hostname: Deno.hostname(),
    cacheName: "shared",
    readOnly: false,
    cache: {
      values: { type: "file", root: "~/shared/values" },
      calls: { type: "sql", url: "sqlite:///~/shared/calls.db" },
    },
  });
  assert.deepEqual([typeof pid, typeof executable, typeof cwd], ["number", "string", "string"]);

  const text = await near.run([...INFO, "cluster"]);
  assert.deepEqual([text.code, text.stderr], [0, ""]);
  const lines = text.text.trimEnd().split("\n");
  assert(lines.includes(`version        ${VERSION}`), text.text);
  assert(lines.includes("cache          shared"));
  assert(lines.includes("access         loads and stores"));
});

Deno.test("fleche remote info tells no secrets", { ignore }, async () => {
  await using near = await Near.start();
  const config = [
    ...[
      "[signed.values]",
      'type = "file"',
      'root = "~/signed/values"',
      `secret_key = ["${SECRET}"]`,
    ],
    ...["[signed.calls]", 'type = "sql"', `url = "postgresql://me:${SECRET}@127.0.0.1:1/db"`],
  ];
  Deno.writeTextFileSync(near.site.path(".config", "fleche", "cache.toml"), config.join("\n"));
  near.configure({ cluster: near.site.config({ cache_name: "signed" }) });
  for (const words of [["cluster"], ["cluster", "--json"]]) {
    const { code, text, stderr } = await near.run([...INFO, ...words]);
    assert.equal(code, 0, stderr);
    assert.match(text, /postgresql:\/\/me:<redacted>@127\.0\.0\.1/);
    assert.doesNotMatch(text + stderr, new RegExp(SECRET));
  }
});

Deno.test("fleche remote info takes a host, and what to run there", { ignore }, async () => {
  await using near = await Near.start();
  const { host, sshOptions } = near.site.sshd;
  const words = sshOptions.flatMap((word) => ["--ssh-option", word]);
  const given = ["--command", PROGRAM.map((word) => `'${word}'`).join(" "), ...words];
  const { code, text, stderr } = await near.run([...INFO, host, ...given]);
  assert.equal(code, 0, stderr);
  assert.match(text, /^cache {10}the default one$/m);
});

Deno.test("fleche remote info says why if there is nothing to ask", { ignore }, async () => {
  await using near = await Near.start();
  near.configure({
    near: near.site.local(),
    cluster: near.site.config({ command: "no-such-fleche" }),
    many: { pool: [near.site.config(), near.site.config({ cache_name: "shared" })] },
  });
  const local = await near.run([...INFO, "near"]);
  assert.deepEqual([local.code, local.text], [1, ""]);
  assert.match(local.stderr, /^fleche: The cache "near" is on this machine/);
  const absent = await near.run([...INFO, "cluster"]);
  assert.deepEqual([absent.code, absent.text], [1, ""]);
  assert.match(absent.stderr, /no-such-fleche.*not found/);
  const many = await near.run([...INFO, "many"]);
  assert.equal(many.code, 1);
  assert.match(many.stderr, /^fleche: The cache "many" is on several hosts/);
});
