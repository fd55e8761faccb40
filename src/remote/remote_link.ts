import { ConfigError } from "../errors.ts";
import { warn, warnOnce } from "../log.ts";
import { VERSION } from "../version.ts";
import { Connection, type Exchange, type RequestOptions } from "./connection.ts";
import { PROTOCOL_LIMITS } from "./limits.ts";
import type { Params } from "./params.ts";
import { readInfo, type RemoteInfo } from "./remote_info.ts";
import { remoteCommand } from "./ssh_command.ts";
import type { SshCacheOptions } from "./ssh_cache_options.ts";
import { type RemoteProcess, SshProcess } from "./ssh_process.ts";
import { inSeconds } from "./_stall_watch.ts";

/** How long a connection may stand still by default, in seconds. */
const TIMEOUT = 60;

/** A process whose greeting has been read. */
export interface OpenedProcess {
  readonly process: RemoteProcess;
  /** Bytes that were read beyond the greeting. */
  readonly rest: Uint8Array;
}

interface Link {
  readonly process: RemoteProcess;
  readonly connection: Connection;
  readonly info: RemoteInfo;
}

/** The one connection of a cache on another machine, made when it is first needed, and kept. */
export class RemoteLink {
  readonly #options: Readonly<SshCacheOptions>;
  readonly #argv: readonly string[];
  #link: Promise<Link> | undefined;
  #process: RemoteProcess | undefined;
  #isReadOnly = false;

  /**
   * Takes the host and what to run there. Nothing is connected yet.
   *
   * @throws {TypeError} If the host begins with a dash, or a variable's name is not one.
   * @throws {RangeError} If a timeout is not above zero.
   */
  constructor(options: Readonly<SshCacheOptions>) {
    if (options.host === "" || options.host.startsWith("-")) {
      throw new TypeError(`Cannot use "${options.host}" as a host: ssh would take it as an option`);
    }
    const { timeout = TIMEOUT, connectTimeout = Infinity } = options;
    for (const seconds of [timeout, connectTimeout]) {
      if (!(seconds > 0)) {
        throw new RangeError(`Cannot wait for ${seconds} seconds: should be a number above zero`);
      }
    }
    this.#options = options;
    const command = remoteCommand({
      command: options.command ?? "fleche",
      cacheName: options.cacheName,
      workdir: options.workdir,
      setupCommands: options.setupCommands ?? [],
      env: options.env ?? {},
    });
    this.#argv = ["ssh", ...options.sshOptions ?? [], "--", options.host, command];
  }

  /** The host as ssh takes it. */
  get host(): string {
    return this.#options.host;
  }

  /** Whether the remote side refuses to store; false until it is connected. */
  get isReadOnly(): boolean {
    return this.#isReadOnly;
  }

  /**
   * Connects, unless that is done.
   *
   * @param opened a process that was started elsewhere, so that what comes before the greeting can be
   *   looked at without a second login
   * @returns what the remote side tells of itself
   * @throws {RemoteConnectionError} If it cannot be reached.
   */
  async connect(opened?: OpenedProcess): Promise<RemoteInfo> {
    return (await (this.#link ??= this.#connect(opened))).info;
  }

  #connected(): Promise<Link> {
    return this.#link ??= this.#connect();
  }

  async #connect(opened?: OpenedProcess): Promise<Link> {
    const { host, timeout = TIMEOUT, connectTimeout } = this.#options;
    const process = opened?.process ?? new SshProcess(host, this.#argv);
    this.#process = process;
    const onWait = (what: string) => (seconds: number) =>
      warn(["remote", host], `Waiting for ${host} for ${inSeconds(Math.floor(seconds))}: ${what}`);
    let connection: Connection | undefined;
    try {
      const { rest } = opened ?? await process.preamble(PROTOCOL_LIMITS, {
        timeout: connectTimeout,
        onWait: onWait("it has not answered yet, or ssh asks for something"),
      });
      connection = new Connection(process.output, {
        ...{ limits: PROTOCOL_LIMITS, host, reuse: true },
        onActive: (active) => process.keepAlive(active),
        onBroken: async () => connection?.fail(await process.failure("was lost")),
        patience: timeout,
        onWait: onWait(`nothing comes from it; it is given up after ${inSeconds(timeout)}`),
        // The end of ssh ends what is under way.
        onStall: () => process.abort(`has not moved for ${inSeconds(timeout)} and was given up`),
      });
      this.#read(process, connection, rest);
      const info = readInfo(await connection.request("info", {}));
      this.#checkInfo(info);
      this.#isReadOnly = info.readOnly;
      return { process, connection, info };
    } catch (error) {
      process.abort("has failed");
      await connection?.end();
      await process.end();
      throw error;
    }
  }

  // In the background: whatever ends the connection fails what is under way.
  #read(process: RemoteProcess, connection: Connection, rest: Uint8Array): void {
    connection.read(process.input, rest).then(
      async () => connection.fail(await process.failure("was lost")),
      async (error) => {
        connection.fail(error);
        const ended = connection.end();
        await process.end();
        await ended;
      },
    );
  }

  #checkInfo({ cacheName, version }: RemoteInfo): void {
    const { host, cacheName: wanted } = this.#options;
    if (wanted !== undefined && cacheName !== wanted) {
      const serves = cacheName === null ? "its default cache" : `the cache "${cacheName}"`;
      throw new ConfigError(
        `Cannot use the cache "${wanted}" on ${host}: it serves ${serves} only`,
      );
    }
    if (version !== VERSION) {
      warnOnce(
        `version ${host} ${version}`,
        ["remote", host],
        `fleche is version ${version} on ${host} and ${VERSION} here: install the same on both sides`,
      );
    }
  }

  /** Sends a request; connects first if that is to be done. */
  async request(
    method: string,
    params: Record<string, unknown>,
    options?: RequestOptions,
  ): Promise<Params> {
    const { connection } = await this.#connected();
    return await connection.request(method, params, options);
  }

  /** Begins a request; connects first if that is to be done. */
  async begin(
    method: string,
    params: Record<string, unknown>,
    options?: RequestOptions,
  ): Promise<Exchange> {
    const { connection } = await this.#connected();
    return await connection.begin(method, params, options);
  }

  /** Ends the connection, and with it what is under way; the next use makes a new one. */
  async close(): Promise<void> {
    const link = this.#link;
    this.#link = undefined;
    if (link === undefined) return;
    if (this.#process?.isActive) this.#process.abort("was closed");
    const open = await link.catch(() => undefined);
    if (open === undefined) return;
    const ended = open.connection.end();
    await open.process.end();
    await ended;
  }
}
