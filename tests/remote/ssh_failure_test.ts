import assert from "node:assert";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { Call, ProtocolError, RemoteConnectionError, SshCache } from "@fleche/core";
import { PROGRAM, Site } from "./_site.ts";
import { HAS_SSHD } from "./_sshd.ts";

const ignore = !HAS_SSHD;

// The error with which a cache cannot be reached.
async function failure(cache: SshCache): Promise<RemoteConnectionError> {
  await using _ = cache;
  const error = await cache.info().then(() => undefined, (error) => error);
  assert(error instanceof RemoteConnectionError, String(error));
  return error;
}

Deno.test("SshCache says why if the program is missing", { ignore }, async () => {
  await using site = await Site.start();
  const missing = site.path("no", "fleche");
  for (const command of [missing, [missing], ["~/no/fleche"]]) {
    const { data, message } = await failure(site.cache({ command }));
    assert.equal(data.host, site.sshd.host);
    assert.equal(data.exitCode, 127);
    assert.match(data.stderr.join("\n"), /no\/fleche.*not found/);
    assert(message.includes(site.sshd.host) && message.includes("127"));
    assert(message.includes(data.stderr.join("\n")));
  }
});

Deno.test("SshCache says why if ssh does not know an option", { ignore }, async () => {
  await using site = await Site.start();
  const { data } = await failure(site.cache({ sshOptions: ["-o", "NoSuchOption=1"] }));
  assert.equal(data.exitCode, 255);
  assert.match(data.stderr.join("\n"), /nosuchoption/i);
});

Deno.test("SshCache says why if there is no such user", { ignore }, async () => {
  await using site = await Site.start();
  const { sshOptions } = site.sshd;
  const host = "no-such-user@127.0.0.1";
  const { data } = await failure(new SshCache({ host, sshOptions, command: PROGRAM }));
  assert.deepEqual([data.host, data.exitCode], [host, 255]);
  assert.match(data.stderr.join("\n"), /Permission denied|Connection closed/);
});

Deno.test("SshCache keeps failing at once until it is told to reconnect", { ignore }, async () => {
  await using site = await Site.start();
  const program = site.path("fleche");
  await using cache = site.cache({ command: [program] });
  const first = await cache.info().catch((error) => error);
  assert(first instanceof RemoteConnectionError);
  Deno.symlinkSync(
    site.script("serving", `exec ${PROGRAM.map((word) => `'${word}'`).join(" ")} "$@"`),
    program,
  );
  const call = new Call({ name: "f", result: 1 });
  await assert.rejects(cache.save(call), first);
  await assert.rejects(cache.contains(call.key), first);
  await cache.reconnect();
  await cache.save(call);
  assert.equal(await cache.contains(call.key), true);
});

Deno.test("SshCache says why if the remote configuration is wrong", { ignore }, async () => {
  await using site = await Site.start();
  const { data } = await failure(site.cache({ cacheName: "shred" }));
  assert.equal(data.exitCode, 1);
  assert.match(data.stderr.join("\n"), /There is no cache "shred".*did you mean "shared"/);
  Deno.writeTextFileSync(site.path("fleche.toml"), "[default\n");
  const torn = await failure(site.cache({ workdir: "~" }));
  assert.match(torn.data.stderr.join("\n"), /fleche\.toml, line 1/);
});

Deno.test("SshCache says why if the program ends after its greeting", { ignore }, async () => {
  await using site = await Site.start();
  const script = "printf '\\nfleche/1 0\\n'; echo 'out of memory' >&2; exit 70";
  const { data } = await failure(site.cache({ command: [site.script("dying", script)] }));
  assert.deepEqual(data, { host: site.sshd.host, exitCode: 70, stderr: ["out of memory"] });
});

Deno.test(
  "SshCache fails for good if the program does not keep to the protocol",
  { ignore },
  async () => {
    await using site = await Site.start();
    const script = "printf '\\nfleche/1 0\\n\\377\\377\\377\\377'; exec cat >/dev/null";
    await using cache = site.cache({ command: [site.script("babbling", script)] });
    const first = await cache.info().catch((error) => error);
    assert(first instanceof ProtocolError, String(first));
    await assert.rejects(cache.contains("a".repeat(64)), first);
  },
);

interface Logged {
  readonly category: readonly string[];
  readonly message: string;
}

// What is logged meanwhile.
async function logged(use: () => Promise<void>): Promise<Logged[]> {
  const records: Logged[] = [];
  const sink = ({ category, message }: LogRecord) => {
    records.push({ category, message: message.join("") });
  };
  await configure({
    sinks: { sink },
    loggers: [
      { category: "fleche", sinks: ["sink"] },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  try {
    await use();
  } finally {
    await reset();
  }
  return records;
}

Deno.test("SshCache passes standard error on to the log, line by line", { ignore }, async () => {
  await using site = await Site.start();
  const records = await logged(async () => {
    await using cache = site.cache({ setupCommands: ["echo one", "echo 'a {b} c'"] });
    await cache.info();
    await cache.close();
  });
  const category = ["fleche", "remote", site.sshd.host];
  assert.deepEqual(records, [{ category, message: "one" }, { category, message: "a {b} c" }]);
});

Deno.test("SshCache tells no secret of a setup command that fails", { ignore }, async () => {
  await using site = await Site.start();
  const setupCommands = ["export TOKEN=hunter2; false --password hunter2 -u me:hunter2"];
  const records = await logged(async () => {
    const { message, data } = await failure(site.cache({ setupCommands }));
    const line =
      "fleche: failed: export TOKEN=<redacted>; false --password <redacted> -u me:<redacted>";
    assert.deepEqual(data.stderr, [line]);
    assert(message.includes(line));
    assert.doesNotMatch(message + JSON.stringify(data), /hunter2/);
  });
  assert.equal(records.length, 1);
  assert.doesNotMatch(JSON.stringify(records), /hunter2/);
});

Deno.test("SshCache does not start anything before it is used", async () => {
  // A host that cannot be: whatever would be started would fail.
  const cache = new SshCache({ host: "no-such-host.invalid" });
  assert.equal(cache.isReadOnly, false);
  await cache.close();
  await cache.close();
});
