import { redactHost } from "../redact.ts";
import type { SshCacheOptions } from "../ssh_cache.ts";
import { type LoginFault, loginFault } from "./_login_fault.ts";
import type { ProbeSession } from "./_probe_session.ts";
import { SSH_FAILED } from "./_run_ssh.ts";
import type { SshTarget } from "./_target.ts";
import { failed, type Step, withWords } from "./step.ts";

/** Characters of what was printed instead that are shown. */
const SHOWN_NOISE = 500;

/** Says why a login has failed. */
export async function loginFailure(
  options: SshCacheOptions,
  { target, session }: { target: SshTarget; session: ProbeSession },
): Promise<Step> {
  const { data, message } = await session.end();
  const { exitCode, stderr } = data;
  const { noise } = session;
  const words = [...stderr, ...noise === "" ? [] : [JSON.stringify(noise.slice(0, SHOWN_NOISE))]];
  if (session.printsTooMuch) {
    const detail = withWords("The login prints more than 64 KiB before anything runs", words);
    return failed("login output", detail, "Let login scripts print for people only");
  }
  if (exitCode === undefined) {
    const remedy = "See whether ssh to this host asks for something, or waits for good";
    return failed("login", withWords(message.split("\n")[0] ?? "", words), remedy);
  }
  if (exitCode !== SSH_FAILED) {
    const detail = withWords(`The account runs no commands (exit code ${exitCode})`, words);
    const remedy =
      "See that the account has a shell, that its login scripts go on to the end, and " +
      "that the command works which authorized_keys there may have for this key";
    return failed("login", detail, remedy);
  }
  const fault = target.proxy === undefined ? await loginFault(options, target) : undefined;
  if (fault === undefined) {
    const way = target.proxy === undefined ? "" : `; the way there, ${target.proxy}, may fail too`;
    const remedy = `See what ssh says, and try ssh ${redactHost(options.host)} by itself${way}`;
    return failed("login", withWords("ssh cannot log in", words), remedy);
  }
  const [step, what, remedy] = FAULTS[fault];
  return failed(step, withWords(what, words), remedy);
}

const FAULTS: Readonly<
  Record<LoginFault, readonly [step: string, what: string, remedy: string]>
> = {
  "unknown host key": [
    "host key",
    "The key of the host is not known here",
    "Run ssh to this host once by hand, compare the fingerprint with the one that the site gives, " +
    "and accept it",
  ],
  "changed host key": [
    "host key",
    "The host shows another key than the one that is known here",
    "Ask the site whether the key was changed; only then remove the old one (ssh-keygen -R)",
  ],
  "no key exchange": [
    "host key",
    "The server ends the connection before a host key is agreed on",
    "See what ssh says; the server may be overloaded, refuse this address, or be too old",
  ],
  refused: [
    "login",
    "The server refuses to let you in",
    "See that the user is right and that its key is there (ssh-copy-id), or that the agent has it " +
    "(ssh-add -l); where a password or a second factor is asked for, run this on a terminal",
  ],
};
