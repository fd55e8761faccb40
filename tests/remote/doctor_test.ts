import assert from "node:assert";
import { fileURLToPath } from "node:url";
import { Call } from "@fleche/core";
import { quoteWord } from "../../src/remote/ssh_command.ts";
import { findProgram, requirement } from "../_require.ts";
import { numbers } from "./_calls.ts";
import { loginThatRuns, stepNamed, stepsOf, withStatus } from "./_doctor.ts";
import { denoRun } from "./_program.ts";
import { PROGRAM, Site } from "./_site.ts";
import { HAS_SSHD } from "./_sshd.ts";
import { childrenOf } from "./_wait.ts";

const ignore = !HAS_SSHD;
const program = PROGRAM.map(quoteWord).join(" ");
const OLD_SERVER = fileURLToPath(new URL("./_old_server.ts", import.meta.url));

const BEFORE_LOGIN = ["ssh", "host", "name resolution", "connection"];
const WORK = ["greeting", "version", "cache", "access", "round trip"];

function logins(site: Site): number {
  return site.sshd.log.match(/Accepted publickey/g)?.length ?? 0;
}

Deno.test(
  "diagnose() finds nothing wrong where all is well, with one login",
  { ignore },
  async () => {
    await using site = await Site.start();
    Deno.mkdirSync(site.path("“project” é"));
    const setupCommands = ["echo loading", "X=1"];
    let announced = 0;
    const steps = await stepsOf(site.options({ setupCommands, workdir: "~/“project” é" }), {
      onLogin: () => {
        announced++;
        assert.equal(logins(site), 0);
      },
    });
    assert.deepEqual(
      steps.map(({ step, status }) => `${status} ${step}`),
      [
        ...[...BEFORE_LOGIN, "login", "login output", "system", "clock", "workdir"],
        ...["setup command 1", "setup command 2", "program"],
        ...[...WORK, "small call", "value of 1 MiB"],
      ].map((step) => `ok ${step}`),
    );
    assert.deepEqual([logins(site), announced], [1, 1]);
    assert.match(
      stepNamed(steps, "connection")?.detail ?? "",
      /127\.0\.0\.1 port \d+ in .*: SSH-2\.0-/,
    );
    assert.equal(stepNamed(steps, "workdir")?.detail, Deno.realPathSync(site.path("“project” é")));
    assert.match(stepNamed(steps, "cache")?.detail ?? "", /its default cache, .*own\/values/);

    // It takes away what it stored.
    await using stored = site.inPlace();
    assert.equal(await stored.query().count(), 0);
    assert.equal((await stored.verify()).isClean, true);
  },
);

const SHELLS = ["bash", "zsh", "tcsh", "fish"];
for (const shell of SHELLS) {
  const isThere = requirement(shell, findProgram(shell) !== undefined);
  Deno.test(
    `diagnose() understands an account whose shell is ${shell}`,
    { ignore: ignore || !isThere },
    async () => {
      await using site = await Site.start({ forceCommand: loginThatRuns(":", shell) });
      const setupCommands = ["[ ! -e /nowhere ]", "Y='a b!'; [ \"$Y\" = 'a b!' ]"];
      const steps = await stepsOf(site.options({ setupCommands }));
      assert.deepEqual(steps.filter(({ status }) => status !== "ok"), []);
      assert.equal(steps.at(-1)?.step, "value of 1 MiB");
    },
  );
}

Deno.test("diagnose() is not put off by what setup commands leave behind", { ignore }, async () => {
  await using site = await Site.start();
  const setupCommands = ["IFS=:,; set -eu", "set -f; PATH=/nowhere", "fleche_file=x; umask 077"];
  const steps = await stepsOf(site.options({ setupCommands }));
  assert.deepEqual(withStatus(steps, "failed"), []);
  assert.equal(steps.at(-1)?.step, "value of 1 MiB");

  const absent = await stepsOf(site.options({ setupCommands, command: "no-such-fleche" }));
  assert.deepEqual(withStatus(absent, "failed"), ["program"]);
  assert.match(absent.at(-1)?.detail ?? "", /no program in the folders of PATH/);
});

Deno.test("diagnose() takes text for the shell as the program", { ignore }, async () => {
  await using site = await Site.start();
  const path = site.script("fleche", `exec ${program} "$@"`);
  for (const command of [path, "~/fleche", `"$HOME"/fleche`, `env A=1 ${path}`]) {
    const steps = await stepsOf(site.options({ command }), { timeout: 10 });
    assert.deepEqual(steps.filter(({ status }) => status !== "ok"), [], command);
    assert.equal(steps.at(-1)?.step, "value of 1 MiB");
  }
});

Deno.test("diagnose() warns of what a login script prints", { ignore }, async () => {
  await using site = await Site.start({ forceCommand: loginThatRuns("printf Welcome") });
  const steps = await stepsOf(site.options());
  assert.deepEqual(withStatus(steps, "warning"), ["login output"]);
  const step = stepNamed(steps, "login output");
  assert.match(step?.detail ?? "", /7 bytes .*: "Welcome"/);
  assert.match(step?.remedy ?? "", /for people only/);
  assert.equal(steps.at(-1)?.step, "value of 1 MiB");
});

Deno.test("diagnose() warns of a clock that is wrong", { ignore }, async () => {
  await using site = await Site.start({
    forceCommand: loginThatRuns('PATH="$HOME/bin:$PATH"; export PATH'),
  });
  Deno.mkdirSync(site.path("bin"));
  const ahead = Math.round(Date.now() / 1000) + 2 * 3600;
  site.script("bin/date", `echo ${ahead}`);
  const steps = await stepsOf(site.options());
  assert.deepEqual(withStatus(steps, "warning"), ["clock"]);
  assert.match(stepNamed(steps, "clock")?.detail ?? "", /^It is (2 h 0|1 h 59) min ahead$/);
  assert.equal(steps.at(-1)?.step, "value of 1 MiB");
});

Deno.test("diagnose() warns of another version", { ignore }, async () => {
  await using site = await Site.start();
  const steps = await stepsOf(site.options({ command: denoRun(OLD_SERVER) }), { timeout: 10 });
  assert(withStatus(steps, "warning").includes("version"));
  assert.match(stepNamed(steps, "version")?.detail ?? "", /^9\.9\.9 there, /);
});

Deno.test("diagnose() warns of a connection that would be given up", { ignore }, async () => {
  await using site = await Site.start();
  const setupCommands = ["sleep 0.1"];
  const steps = await stepsOf(site.options({ setupCommands, connectTimeout: 0.1 }));
  assert.deepEqual(withStatus(steps, "warning"), ["connect timeout"]);
  const late = stepNamed(steps, "connect timeout");
  assert.match(late?.detail ?? "", /after ssh began; connect_timeout is 0\.1 s$/);
  assert.deepEqual(withStatus(steps, "failed"), []);
});

Deno.test("diagnose() warns of a cache that forgets", { ignore }, async () => {
  await using site = await Site.start();
  const steps = await stepsOf(site.options({ cacheName: "memory" }));
  assert.deepEqual(withStatus(steps, "warning"), ["cache"]);
  assert.match(stepNamed(steps, "cache")?.remedy ?? "", /gone with the connection/);
  assert.equal(steps.at(-1)?.step, "value of 1 MiB");
});

Deno.test("diagnose() goes on past a program that tells no version", { ignore }, async () => {
  await using site = await Site.start();
  const command = [site.script("wrapped", `[ "$1" = remote ] || exit 4; exec ${program} "$@"`)];
  const steps = await stepsOf(site.options({ command }));
  assert.deepEqual(withStatus(steps, "warning"), ["program"]);
  assert.match(stepNamed(steps, "program")?.detail ?? "", /wrapped: --version ends with .* 4/);
  assert.equal(steps.at(-1)?.step, "value of 1 MiB");
});

Deno.test(
  "diagnose() looks at an account that serves one cache, read-only, whatever is asked for",
  { ignore },
  async () => {
    const command = `${program} remote --serve --read-only --cache shared`;
    const keyOptions = `restrict,command="${command.replaceAll('"', '\\"')}"`;
    await using site = await Site.start({ keyOptions });
    const empty = await stepsOf(site.options({ setupCommands: ["touch ~/forbidden"] }));
    assert.deepEqual(withStatus(empty, "skipped"), ["remote command", "load"]);
    assert.deepEqual(withStatus(empty, "failed"), []);
    assert.match(stepNamed(empty, "access")?.detail ?? "", /^Read-only/);
    assert.throws(() => Deno.statSync(site.path("forbidden")), Deno.errors.NotFound);

    await using filled = site.inPlace("shared");
    await filled.save(new Call({ name: "analyse", result: numbers(20_000) }));
    await filled.close();
    const steps = await stepsOf(site.options({ cacheName: "shared" }));
    assert.deepEqual(withStatus(steps, "skipped"), ["remote command"]);
    assert.deepEqual(withStatus(steps, "failed"), []);
    assert.match(stepNamed(steps, "load")?.detail ?? "", /a call of analyse .*read-only/);

    const wrong = await stepsOf(site.options({ cacheName: "own" }));
    assert.deepEqual(withStatus(wrong, "failed"), ["cache"]);
    assert.match(wrong.at(-1)?.detail ?? "", /"own".*"shared"/);
  },
);

Deno.test("diagnose() leaves the way to a host behind another one to ssh", { ignore }, async () => {
  await using jump = await Site.start();
  await using site = await Site.start();
  const words = ["ssh", ...jump.sshd.sshOptions, "-W", "%h:%p", jump.sshd.host];
  const proxy = `ProxyCommand=${words.map((word) => word.replaceAll('"', "")).join(" ")}`;
  const steps = await stepsOf(site.options({ sshOptions: ["-o", proxy] }));
  assert.deepEqual(withStatus(steps, "skipped"), ["name resolution", "connection"]);
  assert.deepEqual(withStatus(steps, "failed"), []);
  assert.match(stepNamed(steps, "host")?.detail ?? "", /through ssh .*-W/);
  assert.deepEqual([logins(jump), logins(site)], [1, 1]);
});

Deno.test(
  "diagnose() leaves no process behind, whether it ends early or not",
  { ignore },
  async () => {
    await using site = await Site.start();
    await stepsOf(site.options());
    await stepsOf(site.options({ command: ["~/no/fleche"] }));
    await stepsOf(site.options({ cacheName: "nowhere" }));
    assert.deepEqual(childrenOf(Deno.pid, `-i ${site.sshd.folder}/key`), []);
  },
);
