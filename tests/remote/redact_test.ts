import assert from "node:assert";
import { redact } from "../../src/remote/redact.ts";

const SECRET = "hunter2";

/** An object as a TOML parser makes them. */
function table(entries: Record<string, unknown>): unknown {
  return Object.assign(Object.create(null), entries);
}

const CONFIGURATIONS: readonly [label: string, config: unknown][] = [
  ["a list of signing keys", { values: { type: "file", secret_key: [SECRET] } }],
  ["a signing key in a nested table", [{ values: { inner: { secret_key: SECRET } } }]],
  ["the password of an address", { calls: { url: `postgresql://me:${SECRET}@host/db` } }],
  ["a password without a user", { calls: { url: `redis://:${SECRET}@host` } }],
  ["a password with an @", { calls: { url: `mysql://me:p@${SECRET}@host/db` } }],
  ["a password with a slash", { calls: { url: `mysql://me:a/${SECRET}@host/db` } }],
  ["a password with a colon", { calls: { url: `mysql://me:a:${SECRET}@host/db` } }],
  [
    "a signing key in a table without a prototype",
    table({
      values: table({ secret_key: [SECRET] }),
    }),
  ],
  ["a password as a parameter", { calls: { url: `postgresql://host/db?password=${SECRET}&a=b` } }],
  ["variables of another machine", { type: "ssh", host: "far", env: { API: SECRET } }],
];

for (const [label, config] of CONFIGURATIONS) {
  Deno.test(`redact() takes out ${label}`, () => {
    assert.doesNotMatch(JSON.stringify(redact(config)), new RegExp(SECRET));
  });
}

Deno.test("redact() leaves everything else as it is", () => {
  const config = [{
    values: { type: "file", root: "/data/a:b@c", verify: false },
    calls: { type: "sql", url: "sqlite:////data/calls.db", lock_timeout: 5 },
    read_only: true,
  }, { type: "ssh", host: "me@far", ssh_options: ["-p", "22"] }];
  assert.deepEqual(redact(config), config);
});

Deno.test("redact() still tells which database and which user", () => {
  const redacted = JSON.stringify(redact({ url: `postgresql://me:${SECRET}@host:5432/db` }));
  assert.match(redacted, /postgresql:\/\/me:.*@host:5432\/db/);
});
