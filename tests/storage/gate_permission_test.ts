import { LockTimeoutError, ValueFile } from "@fleche/core";
import assert from "node:assert/strict";
import { findProgram, requirement } from "../_require.ts";
import { beside, Child } from "./_child.ts";
import { TemporaryFolder } from "./_temporary_folder.ts";

const CAN_DROP = Deno.uid() !== 0 || findProgram("setpriv") !== undefined;

Deno.test({
  name: "a gate that another user has made is kept by those who may only read it",
  ignore: !requirement("setpriv", CAN_DROP, "the superuser may do everything"),
  fn: async () => {
    using folder = new TemporaryFolder();
    const { gate } = new ValueFile({ root: folder.path });
    (await gate.shut(1))[Symbol.dispose]();
    Deno.chmodSync(folder.join("gc.lock"), 0o444);
    const drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"];
    const runner = Deno.uid() === 0 ? drop : [];
    await using child = new Child(beside(import.meta.url, "_gate_child.ts"), {
      args: [folder.path],
      runner,
    });
    assert.equal(await child.line(), "inside");
    // The superuser shuts what others may only read.
    Deno.chmodSync(folder.join("gc.lock"), 0o644);
    await assert.rejects(gate.shut(0.05), LockTimeoutError);
    const { errors } = await child.end();
    assert.equal(errors, "");
    (await gate.shut(1))[Symbol.dispose]();
  },
});
