import assert from "node:assert";
import { ProtocolError, RemoteConnectionError } from "@fleche/core";
import { PROTOCOL_LIMITS, type ProtocolLimits } from "../../src/remote/limits.ts";
import { SshProcess } from "../../src/remote/ssh_process.ts";
import { inTime, killIfThere } from "./_wait.ts";

const LIMITS: ProtocolLimits = { ...PROTOCOL_LIMITS, banner: 1000 };

// A shell script in the place of ssh.
function start(script: string): SshProcess {
  return new SshProcess("far", ["sh", "-c", script]);
}

async function preamble(script: string, limits = LIMITS) {
  const process = start(script);
  const found = await process.preamble(limits);
  await process.output.close();
  await process.input.cancel();
  await process.end();
  return { version: found.version, rest: new TextDecoder().decode(found.rest) };
}

// The error with which a script that never announces itself ends.
async function failure(script: string, limits = LIMITS): Promise<RemoteConnectionError> {
  const process = start(script);
  const error = await process.preamble(limits).then(() => undefined, (error) => error);
  // What is not needed any more is closed by whoever owns the process.
  await process.output.close().catch(() => {});
  await process.input.cancel();
  assert(error instanceof RemoteConnectionError, String(error));
  return error;
}

const BANNERS: readonly [label: string, script: string][] = [
  ["nothing", ":"],
  ["a line", "echo hello"],
  ["a line without an end", "printf hello"],
  ["many lines", "for i in 1 2 3 4 5 6 7 8 9; do echo line $i; done"],
  ["lines that end as on a terminal", "printf 'hello\\r\\n'"],
  ["bytes that are no text", "printf '\\377\\376\\000\\200\\n'"],
  ["something like it", "echo fleche/1; echo ' fleche/1 0'; echo fleche/x 1; printf fleche/1"],
  ["a line in pieces", "printf hel; sleep 0.02; printf lo; sleep 0.02; echo"],
];

for (const [label, script] of BANNERS) {
  Deno.test(`SshProcess.preamble() skips ${label}`, async () => {
    const found = await preamble(`${script}; printf '\\nfleche/1 1.2.3\\nrest'`);
    assert.equal(found.version, "1.2.3");
    assert.match(found.rest, /^(rest)?$/);
  });
}

Deno.test("SshProcess.preamble() finds a line that comes in pieces", async () => {
  const pieces = ["\\nfle", "che/", "1 1.", "2\\n"].map((piece) => `printf '${piece}'`);
  const { version } = await preamble(pieces.join("; sleep 0.02; "));
  assert.equal(version, "1.2");
});

Deno.test("SshProcess.preamble() keeps every byte that comes after the line", async () => {
  const process = start("printf '\\nfleche/1 1\\n\\n\\n\\0x'; exec cat >/dev/null");
  let { rest } = await process.preamble(LIMITS);
  while (rest.length < 4) {
    const value = await process.input.read();
    assert(value !== undefined);
    rest = new Uint8Array([...rest, ...value]);
  }
  assert.deepEqual([...rest], [10, 10, 0, 0x78]);
  await process.output.close();
  await process.input.cancel();
  await process.end();
});

Deno.test("SshProcess.preamble() skips as much as its limit says, and no more", async () => {
  const print = (count: number) => `head -c ${count} /dev/zero | tr '\\0' x`;
  const line = "printf '\\nfleche/1 1\\n'";
  assert.equal((await preamble(`${print(LIMITS.banner)}; ${line}`)).version, "1");
  const outside = await failure(`${print(LIMITS.banner + 300)}; sleep 0.05; ${line}`);
  assert.match(outside.message, /x{100}/);
});

Deno.test("SshProcess.preamble() does not wait for the end of one who prints for ever", async () => {
  const error = await inTime(failure("while :; do echo y; done"), "the error");
  assert.match(error.message, /y/);
  assert(error.message.length < 10_000);
});

Deno.test("SshProcess.preamble() waits as long as it is told to", async () => {
  const process = start("echo hello; echo asking >&2; exec sleep 1000");
  const error = await inTime(process.preamble(LIMITS, { timeout: 0.3 }).catch((e) => e), "the end");
  await process.output.close().catch(() => {});
  await process.input.cancel();
  assert(error instanceof RemoteConnectionError, String(error));
  assert.deepEqual(error.data, { host: "far", stderr: ["asking"] });
  assert.match(
    error.message,
    /^The connection to far was given up: it was not ready after 0\.3 seconds\nasking\n.*hello.*\n"fleche remote doctor far" tells .*connect_timeout$/,
  );
});

Deno.test("SshProcess.preamble() does not wait for what has come in time", async () => {
  for (const timeout of [60, Infinity, 2 ** 31]) {
    const process = start("printf '\\nfleche/1 1\\n'");
    assert.equal((await process.preamble(LIMITS, { timeout })).version, "1");
    await process.output.close().catch(() => {});
    await process.input.cancel();
    assert.equal((await process.failure("ended")).data.exitCode, 0);
  }
});

Deno.test("SshProcess.abort() ends what is under way, and says why", async () => {
  const process = start("sleep 12 & exec sleep 1000");
  const reading = process.preamble(LIMITS).catch((error) => error);
  process.abort("was closed");
  process.abort("was closed again");
  const error = await inTime(reading, "the end");
  await process.output.close().catch(() => {});
  await process.input.cancel();
  assert(error instanceof RemoteConnectionError, String(error));
  assert.match(error.message, /^The connection to far was closed/);
  assert.equal(error.data.exitCode, undefined);
});

Deno.test("SshProcess.preamble() tells what was printed instead", async () => {
  const error = await failure("echo 'This account is not available'; echo why >&2; exit 5");
  assert.match(error.message, /far/);
  assert.match(error.message, /This account is not available/);
  assert.match(error.message, /why/);
  assert.deepEqual(error.data, { host: "far", exitCode: 5, stderr: ["why"] });
});

Deno.test("SshProcess.preamble() refuses another version of the protocol", async () => {
  const process = start("printf '\\nfleche/2 9.9.9\\n'");
  await assert.rejects(process.preamble(LIMITS), (error) => {
    assert(error instanceof ProtocolError);
    assert.match(error.message, /9\.9\.9/);
    return true;
  });
  await process.output.close().catch(() => {});
  await process.input.cancel();
  await process.end();
});

Deno.test("SshProcess.failure() has the last 50 lines of standard error", async () => {
  const script = "i=0; while [ $i -lt 120 ]; do i=$((i+1)); echo line $i >&2; done; exit 3";
  const { data, message } = await failure(script);
  assert.deepEqual(data.stderr, Array.from({ length: 50 }, (_, index) => `line ${index + 71}`));
  assert.match(message, /line 71\n/);
  assert.match(message, /line 120$/);
});

const LINES: readonly [label: string, script: string, stderr: string[]][] = [
  ["a last line without an end", "printf 'one\\ntwo'", ["one", "two"]],
  ["lines that end as on a terminal", "printf 'one\\r\\ntwo\\r\\n'", ["one", "two"]],
  ["an empty line", "printf 'one\\n\\ntwo\\n'", ["one", "", "two"]],
  ["a character in pieces", "printf '\\303'; sleep 0.05; printf '\\251\\n'", ["é"]],
  ["bytes that are no text", "printf 'a\\377b\\n'", ["a\ufffdb"]],
  ["a very long line", "head -c 100000 /dev/zero | tr '\\0' x", ["x".repeat(2000)]],
  ["a very long line and another", "head -c 100000 /dev/zero | tr '\\0' x; echo; echo two", [
    "x".repeat(2000),
    "two",
  ]],
];

for (const [label, script, stderr] of LINES) {
  Deno.test(`SshProcess.failure() has ${label} of standard error`, async () => {
    assert.deepEqual((await failure(`{ ${script}; } >&2`)).data.stderr, stderr);
  });
}

Deno.test("SshProcess.failure() has no exit code of one who had to be ended", async () => {
  const process = start("exec 1>&-; exec sleep 1000");
  const { data } = await inTime(process.failure("was lost"), "the error");
  assert.equal(data.exitCode, undefined);
  await process.output.close().catch(() => {});
  await process.input.cancel();
});

Deno.test("SshProcess.end() ends one who pays no heed", async () => {
  const process = start(
    "trap '' TERM HUP INT; printf '\\nfleche/1 %s\\n' $$; while :; do sleep 0.1; done",
  );
  const { version } = await process.preamble(LIMITS);
  await process.output.close();
  await process.input.cancel();
  const ended = process.end();
  try {
    await inTime(ended, "the end", 8000);
  } finally {
    killIfThere(Number(version));
    await ended;
  }
});

Deno.test("SshProcess.end() does not wait for others who hold standard error open", async () => {
  // As the master of a shared connection does that stays in the background.
  const process = start("sleep 12 >/dev/null </dev/null & echo gone >&2; exit 4");
  const error = await inTime(
    process.preamble(LIMITS).catch((error) => error),
    "the error",
    8000,
  );
  assert(error instanceof RemoteConnectionError);
  assert.deepEqual(error.data, { host: "far", exitCode: 4, stderr: ["gone"] });
  await process.output.close().catch(() => {});
  await process.input.cancel();
});

Deno.test("SshProcess says what to do if there is no ssh", () => {
  assert.throws(() => new SshProcess("far", ["no-such-ssh"]), (error) => {
    assert(error instanceof RemoteConnectionError);
    assert.deepEqual(error.data, { host: "far", stderr: [] });
    assert.match(error.message, /no-such-ssh.*OpenSSH/);
    return true;
  });
});

Deno.test("SshProcess keeps no secret of a setup command that bash cannot read, and all else", async () => {
  const lines = [
    "sh: eval: line 1: syntax error near unexpected token `then'",
    "sh: eval: line 1: `export TOKEN=hunter2; if then'",
    "sh: eval: line 12: `login --password hunter2; )'",
    "x=5 is no secret of a command",
  ];
  const script = lines.map((line) => `printf '%s\\n' '${line.replaceAll("'", "'\\''")}' >&2`);
  const { data, message } = await failure(script.join("; "));
  assert.doesNotMatch(message + data.stderr.join("\n"), /hunter2/);
  assert.deepEqual([data.stderr[0], data.stderr[3]], [lines[0], lines[3]]);
  assert.match(data.stderr[1] ?? "", /^sh: eval: line 1: `export TOKEN=<redacted>; if then/);
  assert.match(data.stderr[2] ?? "", /^sh: eval: line 12: `login --password <redacted>/);
});
