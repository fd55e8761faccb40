import { lookup } from "node:dns/promises";
import { isIP, Socket } from "node:net";
import { durationText } from "../../time_text.ts";
import type { SshTarget } from "./_target.ts";
import { failed, ok, type Step, withWords } from "./step.ts";

/** How long a connection may take where ssh is not told otherwise, in seconds. */
const CONNECT_TIME = 15;

/** Bytes that may come before the line with which an SSH server begins (RFC 4253, section 4.2). */
const MAX_IDENTIFICATION = 8192;

/** Whether this program may look for a host and connect to it: the cache itself leaves that to ssh. */
export async function mayConnect({ hostname, port }: SshTarget): Promise<boolean> {
  // What a name leads to is not known yet.
  const place = { 0: undefined, 4: `${hostname}:${port}`, 6: `[${hostname}]:${port}` }[
    isIP(hostname)
  ];
  const descriptor = { name: "net", ...place === undefined ? {} : { host: place } } as const;
  return (await Deno.permissions.query(descriptor)).state === "granted";
}

/** Finds the addresses of a host. */
export async function checkAddress(
  { hostname, family }: SshTarget,
): Promise<{ step: Step; addresses: string[] }> {
  const name = "name resolution";
  if (isIP(hostname) !== 0) {
    return { step: ok(name, `${hostname} is an address`), addresses: [hostname] };
  }
  try {
    const found = await lookup(hostname, { all: true, ...family === undefined ? {} : { family } });
    const addresses = [...new Set(found.map(({ address }) => address))];
    return { step: ok(name, `${hostname} is ${addresses.join(", ")}`), addresses };
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const remedy =
      "Correct the name (HostName in ~/.ssh/config gives a host another one), or see " +
      "whether a VPN is needed";
    const detail = `There is no address for the name "${hostname}" (${error.code})`;
    return { step: failed(name, detail, remedy), addresses: [] };
  }
}

/** Connects to the port of a host, by each of its addresses until one answers. */
export async function checkConnection(
  { port, connectTimeout = CONNECT_TIME }: SshTarget,
  addresses: readonly string[],
): Promise<Step> {
  const name = "connection";
  const failures: string[] = [];
  for (const address of addresses) {
    const attempt = await identification(address, { port, seconds: connectTimeout });
    if (attempt.line !== undefined) {
      const time = durationText(attempt.seconds);
      return ok(name, `${address} port ${port} in ${time}: ${attempt.line}`);
    }
    failures.push(`${address} port ${port}: ${attempt.fault}`);
  }
  const remedy = "See whether the port is right (-p), whether the host is up, and whether a " +
    "firewall, a VPN or a jump host (ProxyJump) stands between";
  return failed(name, withWords("No SSH server can be reached", failures), remedy);
}

interface Attempt {
  /** With what the server announces itself. */
  readonly line?: string;
  /** How long the connection took. */
  readonly seconds: number;
  readonly fault?: string;
}

function identification(
  address: string,
  { port, seconds }: { port: number; seconds: number },
): Promise<Attempt> {
  const begun = performance.now();
  const socket = new Socket();
  let connected: number | undefined;
  let text = "";
  const { promise, resolve } = Promise.withResolvers<Attempt>();
  const end = (fields: Omit<Attempt, "seconds">) => {
    clearTimeout(timer);
    socket.destroy();
    resolve({ seconds: connected ?? 0, ...fields });
  };
  const timer = setTimeout(() => {
    const what = connected === undefined ? "does not answer" : "answers, but is silent";
    end({ fault: `it ${what} for ${seconds} seconds` });
  }, seconds * 1000);
  socket.on("connect", () => {
    connected = (performance.now() - begun) / 1000;
  });
  socket.on("data", (bytes: Uint8Array) => {
    text += new TextDecoder("latin1").decode(bytes);
    const line = /(?:^|\n)(SSH-[^\r\n]*)\r?\n/.exec(text)?.[1];
    if (line !== undefined) return end({ line });
    if (text.length > MAX_IDENTIFICATION) end({ fault: "what answers there is no SSH server" });
  });
  socket.on("error", (error: Error) => {
    end({ fault: isSystemError(error) ? reason(error.code) : error.message });
  });
  socket.on("close", () => {
    end({
      fault: "it closes the connection at once: it is no SSH server, or refuses this address",
    });
  });
  socket.connect({ host: address, port });
  return promise;
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there (ECONNREFUSED)",
  ECONNRESET: "it resets the connection (ECONNRESET)",
  EHOSTUNREACH: "no way leads there (EHOSTUNREACH)",
  ENETUNREACH: "no way leads there (ENETUNREACH)",
  ETIMEDOUT: "it does not answer (ETIMEDOUT)",
};

function reason(code: string): string {
  return Object.hasOwn(REASONS, code) ? REASONS[code] ?? code : code;
}

function isSystemError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && typeof Reflect.get(error, "code") === "string";
}
