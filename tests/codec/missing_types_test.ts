import assert from "node:assert";
import { ascii, bytesOf } from "./_bytes.ts";

/** Runs a program, with one global missing from the start, that decodes an encoding. */
async function decodeWithout(global: string, hex: string): Promise<string> {
  const source = new URL("../../src/", import.meta.url);
  const program = `
    delete globalThis[${JSON.stringify(global)}];
    const { decode } = await import(${JSON.stringify(`${source}codec/decoder.ts`)});
    const { UnknownTypeError } = await import(${JSON.stringify(`${source}errors.ts`)});
    try {
      console.log(decode({ head: Uint8Array.fromHex(${JSON.stringify(hex)}) }));
    } catch (error) {
      if (!(error instanceof UnknownTypeError)) throw error;
      console.log("unknown", error.data.type);
    }
  `;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", `--config=${config}`, program],
    env: { NO_COLOR: "1" },
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim();
}

const hex = (digits: string) => bytesOf(digits).toHex();

Deno.test("decode() knows no Float16Array in a runtime without it", async () => {
  assert.equal(
    await decodeWithout("Float16Array", hex("c7 03 04 09 0000")),
    "unknown Float16Array",
  );
  assert.equal(
    await decodeWithout("Float16Array", hex("c7 05 04 0a 00000000")),
    "Float32Array(1) [ 0 ]",
  );
});

Deno.test("decode() knows no Temporal in a runtime without it", async () => {
  const date = `c7 21 09 92 b2 ${ascii("Temporal.PlainDate")} ac ${ascii("-002021-03-0")}`;
  assert.equal(await decodeWithout("Temporal", hex(date)), "unknown Temporal.PlainDate");
});
