import assert from "node:assert";
import { LinkProxy } from "./_link_proxy.ts";
import { inTime } from "./_wait.ts";

// A port that sends back whatever it gets.
class Echo implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #done = this.#serve();

  get port(): number {
    return this.#listener.addr.port;
  }

  async #serve(): Promise<void> {
    const all: Promise<unknown>[] = [];
    for await (const { readable, writable } of this.#listener) {
      all.push(readable.pipeTo(writable).catch(() => {}));
    }
    await Promise.all(all);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#done;
  }
}

function connect({ port }: LinkProxy): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port });
}

async function roundTrip(connection: Deno.TcpConn, bytes = new Uint8Array(1)): Promise<number> {
  const start = performance.now();
  const writing = (async () => {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  })();
  const buffer = new Uint8Array(256 << 10);
  for (let at = 0; at < bytes.length;) {
    const count = await inTime(connection.read(buffer), "the answer");
    assert(count !== null);
    for (let index = 0; index < count; index++) assert.equal(buffer[index], bytes[at + index]);
    at += count;
  }
  await writing;
  return performance.now() - start;
}

Deno.test("LinkProxy delays each direction, and what is sent together arrives together", async () => {
  await using echo = new Echo();
  await using link = new LinkProxy(echo.port, { delay: 30 });
  using connection = await connect(link);
  assert(await roundTrip(connection) >= 60);
  // Far more than one piece at a time: pieces do not wait for each other's delay.
  const bytes = Uint8Array.from({ length: 8 << 20 }, (_, index) => index % 251);
  const pieces = bytes.length / (256 << 10);
  assert(await roundTrip(connection, bytes) < pieces * 60);
  assert.equal(link.bytes("up"), bytes.length + 1);
  assert.equal(link.bytes("down"), bytes.length + 1);
  assert.equal(link.accepted, 1);
});

Deno.test("LinkProxy lets through as many bytes per second as it is told", async () => {
  await using echo = new Echo();
  await using link = new LinkProxy(echo.port, { bandwidth: 1_000_000 });
  using connection = await connect(link);
  assert(await roundTrip(connection, new Uint8Array(200_000)) >= 200);
});

Deno.test("LinkProxy stands still and goes on", async () => {
  await using echo = new Echo();
  await using link = new LinkProxy(echo.port);
  using connection = await connect(link);
  await roundTrip(connection);
  link.stall();
  let isBack = false;
  const pending = roundTrip(connection).then(() => isBack = true);
  while (link.bytes("up") < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(link.bytes("down"), 1);
  assert.equal(isBack, false);
  link.resume();
  await inTime(pending, "what had waited");
});

Deno.test("LinkProxy cuts connections and takes new ones", async () => {
  await using echo = new Echo();
  await using link = new LinkProxy(echo.port);
  using first = await connect(link);
  await roundTrip(first);
  link.cut();
  assert.equal(await inTime(first.read(new Uint8Array(1)).catch(() => null), "the end"), null);
  using second = await connect(link);
  await roundTrip(second);
  assert.equal(link.accepted, 2);
});

Deno.test("LinkProxy passes on that one side has no more to say", async () => {
  await using echo = new Echo();
  await using link = new LinkProxy(echo.port, { delay: 5 });
  using connection = await connect(link);
  await connection.write(new Uint8Array(3));
  await connection.closeWrite();
  const chunks = await inTime(Array.fromAsync(connection.readable), "the end");
  assert.equal(chunks.reduce((sum, { length }) => sum + length, 0), 3);
});
