import assert from "node:assert";
import { diagnose } from "../../src/remote/doctor/doctor.ts";
import type { Step } from "../../src/remote/doctor/step.ts";
import { replaced, withStatus } from "./_doctor.ts";
import { LinkProxy } from "./_link_proxy.ts";
import { Site } from "./_site.ts";
import { HAS_SSHD } from "./_sshd.ts";

const ignore = !HAS_SSHD;

// After which step a link stands still or breaks, how long a step may take, and what fails then.
const BREAKS: readonly [
  how: "stall" | "cut",
  after: string,
  timeout: number,
  step: string,
  detail: RegExp,
][] = [
  ["stall", "login", 2, "system", /^sh: The connection to .* did not answer for 2 seconds/],
  ["stall", "clock", 3, "setup command 1", /^sleep 1: The .* did not answer for 3 seconds/],
  ["stall", "greeting", 8, "cache", /(did not answer|has not moved) for 8 seconds/],
  ["cut", "login", 30, "system", /^sh: The connection to .* ended/],
  ["cut", "clock", 30, "setup command 1", /^sleep 1: The connection to .* ended/],
  ["cut", "greeting", 30, "cache", /was lost/],
  ["cut", "access", 30, "round trip", /was lost/],
];

for (const [how, after, timeout, step, detail] of BREAKS) {
  Deno.test(
    `diagnose() ends with ${step} if the link ${how}s after ${after}`,
    { ignore },
    async () => {
      await using site = await Site.start();
      await using link = new LinkProxy(site.sshd.port);
      const options = site.options({ setupCommands: ["sleep 1"], timeout });
      options.sshOptions = replaced(site.sshd.sshOptions, "-p", String(link.port));
      const steps: Step[] = [];
      for await (const each of diagnose(options)) {
        steps.push(each);
        if (each.step === after) link[how]();
      }
      assert.deepEqual(withStatus(steps, "failed"), [step], JSON.stringify(steps));
      assert.match(steps.at(-1)?.detail ?? "", detail);
    },
  );
}
