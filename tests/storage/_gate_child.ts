/**
 * Goes through the gate of a folder of values, says so, and stays inside until its input ends.
 *
 * Argument: the folder.
 */

import { ValueFile } from "@fleche/core";
import { createInterface } from "node:readline";
import process from "node:process";

const [root = ""] = Deno.args;
using _ = await new ValueFile({ root }).gate.enter();
console.log("inside");
for await (const _ of createInterface({ input: process.stdin })) break;
