import assert from "node:assert/strict";
import { join } from "node:path";
import { parse } from "smol-toml";
import { REPOSITORY, requiredProgram } from "../remote/_program.ts";
import { HAS_SSHD } from "../remote/_sshd.ts";
import { FarAccount } from "./_far_account.ts";

const { binary, isThere } = await requiredProgram();

/** What the section of the README has for the reader to take over. */
interface Section {
  /** Commands, line by line. */
  readonly commands: string[];
  readonly config: string;
  readonly program: string;
}

function readSection(): Section {
  const readme = Deno.readTextFileSync(join(REPOSITORY, "README.md"));
  const section = /\n## A cluster over SSH\n([^]*?)\n## /.exec(readme)?.[1] ?? "";
  const blocks = (language: string) =>
    [...section.matchAll(/```([^\n]*)\n([^]*?)```/g)]
      .filter(([, each]) => each === language)
      .map(([, , content = ""]) => content);
  return {
    commands: blocks("sh").flatMap((block) => block.trimEnd().split("\n")),
    config: blocks("toml").join("\n"),
    program: blocks("ts ignore").join("\n"),
  };
}

Deno.test(
  "README: the cluster is set up, and two machines share results through it, as it is written",
  {
    ignore: !HAS_SSHD || !isThere,
  },
  async () => {
    const { commands: [install = "", doctor = "", transfer = "", ...others], config, program } =
      readSection();
    assert.deepEqual(others, []);
    await using far = await FarAccount.start();
    Deno.mkdirSync(join(far.home, "dist"));
    Deno.symlinkSync(binary, join(far.home, "dist", "fleche"));
    const shell = (command: string) => far.run(["sh", "-c", command]);

    const installed = await shell(install);
    assert.equal(installed.code, 0, installed.stderr);
    const { cluster } = parse(config);
    assert.deepEqual(structuredClone(parse(installed.text)), structuredClone({ cluster }));

    Deno.writeTextFileSync(join(far.home, "fleche.toml"), config);
    using file = new ProgramFile(program);
    const first = await file.run(far);
    assert.deepEqual(first, { code: 0, text: "computing\n1000000\n", stderr: "" });
    const healthy = await shell(doctor);
    assert.equal(healthy.code, 0, healthy.text);
    const sent = await shell(transfer);
    assert.deepEqual([sent.code, sent.text], [0, "copied 1 call from near to cluster\n"]);

    // Another machine, which has nothing yet; then without the cluster.
    Deno.removeSync(join(far.home, ".cache"), { recursive: true });
    const second = await file.run(far);
    assert.deepEqual(second, { code: 0, text: "1000000\n", stderr: "" });
    await far.sshd.stop();
    assert.equal((await file.run(far)).text, "1000000\n");
  },
);

/** A program inside the package, where jsr:@fleche/core is the package itself. */
class ProgramFile implements Disposable {
  readonly #path = join(REPOSITORY, "examples", `.cluster-${crypto.randomUUID()}.ts`);

  constructor(program: string) {
    Deno.writeTextFileSync(this.#path, program);
  }

  async run(far: FarAccount) {
    const permissions = ["read", "write", "env", "sys", "run=ssh"].map((each) => `--allow-${each}`);
    const words = [Deno.execPath(), "run", "--quiet", "--no-prompt", ...permissions, this.#path];
    const { code, text, stderr } = await far.run(words);
    return { code, text, stderr };
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#path);
  }
}
