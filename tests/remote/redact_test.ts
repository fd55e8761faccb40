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
  ["an option with the next word", { setup_commands: [`login --password ${SECRET}`] }],
  ["an option with quotes", { setup_commands: [`x --api-key 'a ${SECRET}'`] }],
  ["an option with the next of its words", { command: ["fleche", "--access-token", SECRET] }],
  ["a user with a password", { setup_commands: [`curl -u me:${SECRET} x`] }],
  ["a user with a password in quotes", { setup_commands: [`curl --user "me:a ${SECRET}" x`] }],
  ["a user with a password as words", { command: ["curl", "-u", `me:${SECRET}`] }],
  ["what sshpass is given", { setup_commands: [`sshpass -p ${SECRET} ssh x`] }],
  ["what sshpass is given at once", { command: `sshpass -p'${SECRET}' ssh x` }],
  ["what sshpass is given as words", { command: ["/bin/sshpass", "-p", SECRET, "ssh"] }],
  ["a header", { setup_commands: [`curl -H 'Authorization: Bearer ${SECRET}' x`] }],
  ["a header with a key", { setup_commands: [`curl -H "x-api-key: ${SECRET}" x`] }],
  ["a header as a word", { command: ["curl", "-H", `Authorization: Basic ${SECRET}`] }],
  ["a header as an entry", { headers: { Authorization: SECRET } }],
  ["an address within a command", { setup_commands: [`curl https://me:${SECRET}@host/x`] }],
  ["a command of a shell of its own", { command: ["sh", "-c", `export A=${SECRET}; fleche`] }],
  ["a proxy", { ssh_options: ["-o", `ProxyCommand=sshpass -p ${SECRET} ssh -W %h:%p jump`] }],
  ["a proxy in one word", { ssh_options: [`-oProxyCommand=nc --proxy-user me:${SECRET}`] }],
  ["a variable that ssh sets", { ssh_options: ["-o", `SetEnv=A=${SECRET}`] }],
  ["an option of ssh with the next word", { ssh_options: ["--password", SECRET] }],
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
      ssh_options: [
        ...["-i", "~/.ssh/id", "-J", "me@jump:2222,other", "-o", "ControlMaster=auto"],
        ...["-o", "PasswordAuthentication=no", "-o", "PreferredAuthentications=publickey,password"],
        ...["-o", "ProxyCommand=ssh -p 22 -W %h:%p me@jump"],
      ],
      setup_commands: [
        ...["module load fleche/1.0", "[ a = b ] || true", "ulimit -u 4096", "sudo -u me true"],
        ...["cp -p a b", "date -u +%H:%M", "git clone ssh://git@host:22/x", "test -d /a:/b"],
      ],
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
