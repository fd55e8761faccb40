import assert from "node:assert";
import { join } from "node:path";
import { platform } from "node:process";
import { quoteWord } from "../../src/remote/ssh_command.ts";
import type { Step } from "../../src/remote/doctor/step.ts";
import { findProgram, requirement } from "../_require.ts";
import { replaced, withStatus } from "../remote/_doctor.ts";
import { CLI, requiredProgram } from "../remote/_program.ts";
import { PROGRAM } from "../remote/_site.ts";
import { HAS_SSHD, makeKey, type Sshd } from "../remote/_sshd.ts";
import { Near } from "./_near.ts";
import type { Run } from "./_run.ts";

const ignore = !HAS_SSHD;
const { binary, isThere } = await requiredProgram();
const DOCTOR = [...CLI, "remote", "doctor"];

/** What `--json` prints. */
interface Report {
  readonly ok: boolean;
  readonly steps: Step[];
}

function reportOf({ text }: Run): Report {
  return JSON.parse(text);
}

const PROGRAMS: readonly [label: string, words: readonly string[], ignore: boolean][] = [
  ["cli.ts", CLI, ignore],
  ["the compiled program", [binary], ignore || !isThere],
];

for (const [label, words, ignore] of PROGRAMS) {
  Deno.test(`${label} remote doctor checks a cache of the configuration`, { ignore }, async () => {
    await using near = await Near.start();
    const path = near.configure({ near: near.site.local(), cluster: near.site.config() });
    const { code, text, stderr } = await near.run([...words, "remote", "doctor", "cluster"]);
    assert.deepEqual([code, stderr], [0, ""], text);
    const lines = text.trimEnd().split("\n");
    assert.deepEqual(lines.filter((line) => !/^ok {7}\S/.test(line)), []);
    assert.match(lines[0] ?? "", /^ok {7}configuration {5}\[cluster\] in .*, line \d+$/);
    assert(lines[0]?.includes(Deno.realPathSync(path)));
    assert.match(lines.at(-1) ?? "", /^ok {7}value of 1 MiB .* the same$/);
  });
}

Deno.test("fleche remote doctor finds the cache over ssh in a stack", { ignore }, async () => {
  await using near = await Near.start();
  const { site } = near;
  near.configure({ both: [site.local(), site.config()], local: site.local() });
  const found = await near.run([...DOCTOR, "both", "--json"]);
  assert.equal(found.code, 0, found.text);
  assert.equal(reportOf(found).ok, true);
  assert.equal(reportOf(found).steps.at(-1)?.step, "value of 1 MiB");

  const missed = await near.run([...DOCTOR, "local", "--json"]);
  assert.equal(missed.code, 1);
  assert.deepEqual(withStatus(reportOf(missed).steps, "failed"), ["configuration"]);
  assert.match(reportOf(missed).steps[0]?.detail ?? "", /"local" is on this machine/);
});

Deno.test(
  "fleche remote doctor checks a host that no configuration names",
  { ignore },
  async () => {
    await using near = await Near.start();
    const { host, sshOptions } = near.site.sshd;
    const path = near.site.script("my fleche", `exec ${PROGRAM.join(" ")} "$@"`);
    const words = sshOptions.flatMap((word) => ["--ssh-option", word]);
    const given = ["--path", path, "--cache", "shared", ...words];
    const { code, text } = await near.run([...DOCTOR, host, "--json", ...given]);
    assert.equal(code, 0, text);
    const { steps } = JSON.parse(text) as Report;
    assert.match(steps[0]?.detail ?? "", /^No table \[.*taken as a host$/);
    assert(steps.some(({ step, detail }) => step === "cache" && /"shared"/.test(detail)));
    assert(steps.some(({ step, detail }) => step === "program" && detail.startsWith(`${path}: `)));
  },
);

Deno.test("fleche remote doctor says what fails, and what to do", { ignore }, async () => {
  await using near = await Near.start();
  near.configure({ cluster: near.site.config({ command: ["~/no/fleche"] }) });
  const { code, text, stderr } = await near.run([...DOCTOR, "cluster"]);
  assert.deepEqual([code, stderr], [1, ""]);
  const [failure, remedy, ...others] = text.trimEnd().split("\n").slice(-2);
  assert.match(failure ?? "", /^failed {3}program {11}There is no program at .*\/no\/fleche$/);
  assert.match(remedy ?? "", /^ {27}→ Install fleche there .*--path/);
  assert.deepEqual(others, []);
});

Deno.test("fleche remote doctor says what is wrong on this side", { ignore }, async () => {
  await using near = await Near.start();
  near.configure({
    cluster: near.site.config(),
    far: { type: "ssh", host: "no-such-host.invalid" },
  });

  const without = await near.run([...DOCTOR, "cluster", "--json"], { PATH: near.home });
  assert.equal(without.code, 1);
  assert.deepEqual(reportOf(without).steps.at(-1), {
    step: "ssh",
    status: "failed",
    detail: 'There is no program "ssh" in the folders of PATH',
    remedy: "Install OpenSSH, or add its folder to PATH",
  });

  const misspelt = await near.run([...DOCTOR, "clutser", "--json", "--ssh-option", "-Q"]);
  assert.match(
    reportOf(misspelt).steps[0]?.detail ?? "",
    /taken as a host; did you mean "cluster"\?/,
  );

  const byHost = await near.run([...DOCTOR, "no-such-host.invalid", "--json"]);
  assert.match(reportOf(byHost).steps[0]?.detail ?? "", /^\[far\] in /);

  const unknown = await near.run([...DOCTOR, "far", "--json"]);
  assert.equal(unknown.code, 1);
  const last = reportOf(unknown).steps.at(-1);
  assert.deepEqual([last?.step, last?.status], ["name resolution", "failed"]);
  assert.match(last?.detail ?? "", /"no-such-host\.invalid"/);

  Deno.writeTextFileSync(join(near.home, "fleche.toml"), "[cluster\n");
  const broken = await near.run([...DOCTOR, "cluster"]);
  assert.equal(broken.code, 1);
  assert.match(broken.text, /^failed {3}configuration .*fleche\.toml/);
});

Deno.test("fleche remote doctor needs no network of its own", { ignore }, async () => {
  await using near = await Near.start();
  near.configure({ cluster: near.site.config() });
  const words = DOCTOR.filter((word) => !word.startsWith("--allow-net"));
  const well = await near.run([...words, "cluster", "--json"]);
  assert.deepEqual([well.code, well.stderr], [0, ""], well.text);
  assert.deepEqual(withStatus(reportOf(well).steps, "skipped"), ["name resolution", "connection"]);
  assert.equal(reportOf(well).steps.at(-1)?.step, "value of 1 MiB");

  Deno.writeTextFileSync(join(near.site.sshd.folder, "known_hosts"), "");
  const ill = await near.run([...words, "cluster", "--json"]);
  assert.deepEqual([ill.code, ill.stderr], [1, ""], ill.text);
  assert.deepEqual(withStatus(reportOf(ill).steps, "failed"), ["login"]);
  assert.match(reportOf(ill).steps.at(-1)?.detail ?? "", /^ssh cannot log in\n.*ED25519/);

  // Nor is a place for temporary files.
  const bound = DOCTOR.filter((word) => !word.startsWith("--allow-write"));
  const placeless = await near.run([...bound, "cluster", "--json"]);
  assert.deepEqual([placeless.code, placeless.stderr], [1, ""], placeless.text);
  assert.deepEqual(withStatus(reportOf(placeless).steps, "failed"), ["login"]);
});

const HAS_SCRIPT = requirement(
  "script",
  platform === "linux" && findProgram("script") !== undefined,
);

Deno.test(
  "fleche remote doctor says on a terminal when a login is about to be made",
  { ignore: ignore || !HAS_SCRIPT },
  async () => {
    await using near = await Near.start();
    near.configure({ cluster: near.site.config() });
    const command = [...DOCTOR, "cluster"].map(quoteWord).join(" ");
    const { code, text } = await near.run(["script", "-qec", command, "/dev/null"]);
    assert.equal(code, 0, text);
    const lines = text.split("\r\n");
    const notice = lines.indexOf("Logging in to cluster: ssh may ask for something");
    assert.match(lines[notice - 1] ?? "", /^ok {7}connection/);
    assert.match(lines[notice + 1] ?? "", /^ok {7}login/);
  },
);

// What is wrong with the keys of a server, and what is found; nothing is changed by looking.
const KEYS: readonly [
  label: string,
  change: (sshd: Sshd) => Promise<string[]>,
  step: string,
  detail: RegExp,
][] = [
  [
    "the host key is unknown",
    ({ folder, sshOptions }) => {
      Deno.writeTextFileSync(join(folder, "known_hosts"), "");
      return Promise.resolve(sshOptions);
    },
    "host key",
    /not known here\n.*ED25519/s,
  ],
  [
    "the host key has changed",
    async ({ folder, sshOptions }) => {
      const line = await makeKey(join(folder, "other_host_key"));
      Deno.writeTextFileSync(join(folder, "known_hosts"), `fleche-test ${line}`);
      return sshOptions;
    },
    "host key",
    /another key than the one/,
  ],
  [
    "the key is refused",
    async ({ folder, sshOptions }) => {
      const key = join(folder, "other_key");
      await makeKey(key);
      return replaced(sshOptions, "-i", key);
    },
    "login",
    /refuses to let you in\n.*publickey/s,
  ],
];

for (const [label, change, step, detail] of KEYS) {
  Deno.test(`fleche remote doctor finds that ${label}`, { ignore }, async () => {
    await using near = await Near.start();
    const { sshd } = near.site;
    near.configure({ cluster: near.site.config({ ssh_options: await change(sshd) }) });
    const known = join(sshd.folder, "known_hosts");
    const before = Deno.readTextFileSync(known);
    const run = await near.run([...DOCTOR, "cluster", "--json"]);
    assert.deepEqual([run.code, run.stderr], [1, ""]);
    const { steps } = reportOf(run);
    assert.deepEqual(withStatus(steps, "failed"), [step]);
    assert.match(steps.at(-1)?.detail ?? "", detail);
    assert.equal(Deno.readTextFileSync(known), before);
    assert.doesNotMatch(sshd.log, /Accepted/);
  });
}
