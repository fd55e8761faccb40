/**
 * A link with a delay, as a process of its own, which is not held up by what is measured:
 *
 *     deno run --allow-net _link.ts <port> <milliseconds in each direction>
 *
 * It prints the port that leads to the other one.
 *
 * @module
 */

import { LinkProxy } from "../../tests/remote/_link_proxy.ts";

const [target, delay] = Deno.args.map(Number);
const link = new LinkProxy(target ?? 0, { delay: delay ?? 0 });
console.log(link.port);
