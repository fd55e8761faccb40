import assert from "node:assert";
import { Folder, PACKAGE, run } from "../_wrapper_program.ts";

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const MAIN = `import { Git } from ${JSON.stringify(PACKAGE)};
console.log(JSON.stringify(await new Git().before()));`;

async function git(cwd: string, ...args: string[]): Promise<string> {
  const identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
  return (await run("git", [...identity, ...args], { cwd })).stdout.trim();
}

async function notes(
  cwd: string,
  permissions = ["--allow-run=git"],
  env: Record<string, string> = {},
): Promise<unknown> {
  const flags = ["--quiet", "--no-check", "--no-lock", "--allow-read", "--config", CONFIG];
  const { stdout, stderr } = await run(
    Deno.execPath(),
    ["run", ...flags, ...permissions, "main.ts"],
    { cwd, env },
  );
  assert.equal(stderr, "");
  return JSON.parse(stdout);
}

Deno.test("Git notes root, commit and branch, and whether something has changed", async () => {
  await using folder = await Folder.make({ "main.ts": MAIN, "below/main.ts": MAIN });
  const root = folder.path;
  await git(root, "init", "--quiet", "--initial-branch=trunk");
  assert.deepEqual(await notes(root), { root, commit: null, branch: "trunk", dirty: false });
  await git(root, "add", ".");
  await git(root, "commit", "--quiet", "--message=First");
  const commit = await git(root, "rev-parse", "HEAD");
  assert.deepEqual(await notes(root), { root, commit, branch: "trunk", dirty: false });
  await folder.write("untracked", "");
  assert.deepEqual(await notes(`${root}/below`), { root, commit, branch: "trunk", dirty: false });
  await folder.write("main.ts", `${MAIN}\n`);
  assert.deepEqual(await notes(root), { root, commit, branch: "trunk", dirty: true });
  await git(root, "checkout", "--quiet", "--detach");
  assert.deepEqual(await notes(root), { root, commit, branch: null, dirty: true });
});

Deno.test("Git notes nothing without a repository, and without the permission to run git", async () => {
  await using folder = await Folder.make({ "main.ts": MAIN });
  assert.deepEqual(await notes(folder.path), {});
  await git(folder.path, "init", "--quiet");
  assert.deepEqual(await notes(folder.path, []), {});
  assert.notDeepEqual(await notes(folder.path), {});
});

Deno.test("Git notes nothing where there is no git", async () => {
  await using folder = await Folder.make({ "main.ts": MAIN });
  const program = `Deno.env.set("PATH", ${
    JSON.stringify(folder.path)
  }); await import("./main.ts");`;
  await folder.write("start.ts", program);
  const flags = ["--quiet", "--no-check", "--no-lock", "--allow-all", "--config", CONFIG];
  const { stdout } = await run(Deno.execPath(), ["run", ...flags, "start.ts"], {
    cwd: folder.path,
  });
  assert.equal(stdout, "{}\n");
});

Deno.test("Git asks once for calls that follow each other", async () => {
  await using folder = await Folder.make({
    "bin/git": `#!/bin/sh\necho asked >> ${JSON.stringify("$0.log")}\nexit 1\n`,
    "start.ts": `import { Git } from ${JSON.stringify(PACKAGE)};
      for (let each = 0; each < 100; each++) await new Git().before();`,
  });
  const bin = `${folder.path}/bin`;
  await Deno.chmod(`${bin}/git`, 0o755);
  const program = `Deno.env.set("PATH", ${JSON.stringify(bin)}); await import("./start.ts");`;
  await folder.write("main.ts", program);
  const flags = ["--quiet", "--no-check", "--no-lock", "--allow-all", "--config", CONFIG];
  await run(Deno.execPath(), ["run", ...flags, "main.ts"], { cwd: folder.path });
  assert.deepEqual(await Deno.readTextFile(`${bin}/git.log`), "asked\nasked\n");
});

Deno.test("Git does not wait for a git that takes long, nor for what that has started", async () => {
  await using folder = await Folder.make({
    // The child of the script holds its output open.
    "bin/git": `#!/bin/sh\nsleep 20\n`,
    "main.ts": `import { Git } from ${JSON.stringify(PACKAGE)};
      const start = performance.now();
      const notes = await new Git().before();
      console.log(JSON.stringify({ notes, isQuick: performance.now() - start < 10_000 }));`,
  });
  await Deno.chmod(`${folder.path}/bin/git`, 0o755);
  const program = `Deno.env.set("PATH", ${
    JSON.stringify(`${folder.path}/bin:${Deno.env.get("PATH")}`)
  }); await import("./main.ts");`;
  await folder.write("start.ts", program);
  const flags = ["--quiet", "--no-check", "--no-lock", "--allow-all", "--config", CONFIG];
  const start = performance.now();
  const { stdout } = await run(Deno.execPath(), ["run", ...flags, "start.ts"], {
    cwd: folder.path,
  });
  assert.deepEqual(JSON.parse(stdout), { notes: {}, isQuick: true });
  // Nothing keeps the program from ending.
  assert(performance.now() - start < 15_000);
});

Deno.test("Git notes the repository of the folder, whatever the environment says", async () => {
  await using folder = await Folder.make({ "here/main.ts": MAIN, "there/file": "" });
  const [here, there] = [`${folder.path}/here`, `${folder.path}/there`];
  for (const each of [here, there]) await git(each, "init", "--quiet", "--initial-branch=trunk");
  await git(there, "add", ".");
  await git(there, "commit", "--quiet", "--message=There");
  const expected = { root: here, commit: null, branch: "trunk", dirty: false };
  const env = {
    GIT_DIR: `${there}/.git`,
    GIT_WORK_TREE: there,
    GIT_INDEX_FILE: `${there}/.git/index`,
  };
  const permissions = ["--allow-run=git", "--allow-env"];
  assert.deepEqual(await notes(here, permissions, env), expected);
  // Without the permission to give git another environment, it would tell of the wrong one.
  assert.deepEqual(await notes(here, ["--allow-run=git", "--allow-env=GIT_DIR"], env), {});
});
