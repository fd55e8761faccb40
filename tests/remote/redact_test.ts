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
  ["a variable in a command", { type: "ssh", command: `API_TOKEN=${SECRET} fleche` }],
  ["a variable in a command of words", { command: ["env", `API=${SECRET}`, "fleche"] }],
  ["a variable with blanks in a word", { command: ["env", `API=a b ${SECRET}`, "fleche"] }],
  ["what a command prints", {
    setup_commands: [`A=$(cat $(echo ${SECRET}))`, `B=\`cat ${SECRET}\``],
  }],
  ["a word in quotes", { setup_commands: [`export A='x ${SECRET}' B="y \\" ${SECRET}"; ls`] }],
  ["a word that goes on behind quotes", { setup_commands: [`A=$'a'b\\ ${SECRET}`] }],
  ["a variable behind another command", { setup_commands: [`cd x&&A=1;B=${SECRET} f`] }],
  ["an option with a value", { command: `fleche --key=${SECRET}` }],
  ["a word whose quotes do not end", { setup_commands: [`A="b ${SECRET}`] }],
  ["the password of a host", { type: "ssh", host: `me:${SECRET}@far` }],
  ["the password of a host as an address", { type: "ssh", host: `ssh://me:a@${SECRET}@far:22` }],
  ["variables of another machine", { type: "ssh", host: "far", env: { API: SECRET } }],
];

for (const [label, config] of CONFIGURATIONS) {
  Deno.test(`redact() takes out ${label}`, () => {
    assert.doesNotMatch(JSON.stringify(redact(config)), new RegExp(SECRET));
  });
}

Deno.test("redact() leaves everything else as it is", () => {
  const config = [
    {
      values: { type: "file", root: "/data/a:b@c", verify: false },
      calls: { type: "sql", url: "sqlite:////data/calls.db", lock_timeout: 5 },
      read_only: true,
    },
    { type: "ssh", host: "me@far", ssh_options: ["-p", "22"] },
    {
      ...{ type: "ssh", host: "far", command: ["/opt/fleche", "-v"] },
      setup_commands: ["module load fleche/1.0", "[ a = b ] || true"],
    },
  ];
  assert.deepEqual(redact(config), config);
});

Deno.test("redact() still tells which database and which user", () => {
  const redacted = JSON.stringify(redact({ url: `postgresql://me:${SECRET}@host:5432/db` }));
  assert.match(redacted, /postgresql:\/\/me:.*@host:5432\/db/);
});

Deno.test("redact() still tells which variables a command sets, and what it runs", () => {
  const setup_commands = [`module load x; export A=${SECRET} B="${SECRET}" && umask 077`];
  assert.deepEqual(redact({ setup_commands, host: `me:${SECRET}@far` }), {
    setup_commands: ["module load x; export A=<redacted> B=<redacted> && umask 077"],
    host: "me:<redacted>@far",
  });
});
