import assert from "node:assert/strict";
import { join } from "node:path";
import { ConfigFolder, load, type LoadStep } from "./_load.ts";

const MEMORY = 'values = { type = "memory" }\ncalls = { type = "memory" }\n';

/** A configuration that cannot be used; where the error should point is marked by «. */
interface Fault {
  readonly toml: string;
  /** Which cache is loaded; "fast" by default, and with null the default one. */
  readonly name?: string | null;
  /** What the message says. */
  readonly says: string | RegExp;
}

const FAULTS: Readonly<Record<string, Fault>> = {
  "a value that is missing": { toml: "[fast]\nvalues = «\n", says: "" },
  "a table that is not closed": { toml: "[fast]\n\n[other«\ncalls = 1\n", says: "" },
  "a key that is defined twice": { toml: `[fast]\n${MEMORY}«values = 1\n`, says: "" },

  "a key whose name holds that of its cache": {
    toml: `[default]\ncache = "size"\n[size]\n${MEMORY}«max_size = 0\n`,
    name: null,
    says: "size.max_size: should be a whole number above zero",
  },
  "a key below a table of the same name": {
    toml: `[b]\n${MEMORY}[default]\ncache = { pool = [\"b\"], «polo = 1, b = 2 }\n`,
    name: null,
    says: "default.cache.polo: unknown key",
  },
  "a key of a table behind the name of its cache": {
    toml: `[default]\ncache = "a"\n[a]\n${MEMORY}«b = { a = 1 }\n`,
    name: null,
    says: "a.b: unknown key",
  },
  "a type that is misspelt": {
    toml: '[fast]\nvalues = { «typ = "memory" }\ncalls = { type = "void" }\n',
    says: 'fast.values.typ: unknown key; did you mean "type"?',
  },
  "values and calls in one folder": {
    toml:
      '[«fast]\nvalues = { type = "file", root = "it" }\ncalls = { type = "file", root = "it/" }\n',
    says: /: Cannot keep values and calls in one folder.*: give them folders of their own/,
  },
  "values that are misspelt": {
    toml: '[fast]\n«value = { type = "memory" }\ncalls = { type = "void" }\n',
    says: 'fast.value: unknown key; did you mean "values"?',
  },
  "calls that are misspelt": {
    toml: '[fast]\nvalues = { type = "memory" }\n«cals = { type = "void" }\n',
    says: 'fast.cals: unknown key; did you mean "calls"?',
  },
  "a root that is misspelt": {
    toml: '[fast]\ntemplate = "file"\n«rot = "x"\n',
    says: 'fast.rot: unknown key; did you mean "root"?',
  },
  "a root that is empty": {
    toml: '[fast]\ntemplate = "file"\n«root = ""\n',
    says: 'fast.root: should be a path, as "results"; it is empty',
  },
  "a root that is a URL": {
    toml: '[fast.values]\ntype = "file"\n«root = "file:///x"\n[fast.calls]\ntype = "void"\n',
    says: 'fast.values.root: should be a path, as "values", not a URL',
  },
  "a path that is empty": {
    toml: '[fast.values]\ntype = "sqlite"\n«path = ""\n[fast.calls]\ntype = "void"\n',
    says: 'fast.values.path: should be a path, as "values.db"; it is empty',
  },
  "a path that is a URL": {
    toml: '[fast.values]\ntype = "sqlite"\n«path = "sqlite:///x.db"\n[fast.calls]\ntype = "void"\n',
    says: "fast.values.path: should be a path, as",
  },
  "a URL that is empty": {
    toml: '[fast.values]\ntype = "void"\n[fast.calls]\ntype = "sql"\n«url = ""\n',
    says: 'Cannot use "" as a database: write sqlite:///relative/path, sqlite:////absolute/path',
  },
  "a URL without slashes": {
    toml: '[fast.values]\ntype = "void"\n[fast.calls]\ntype = "sql"\n«url = "sqlite:x.db"\n',
    says: 'Cannot use "sqlite:x.db" as a database: write sqlite:///relative/path',
  },
  "a URL without a path": {
    toml: '[fast.values]\ntype = "void"\n[fast.calls]\ntype = "sql"\n«url = "sqlite:///"\n',
    says: 'Cannot use "sqlite:///" as a database: write sqlite:///relative/path',
  },

  "an unknown key of a cache": {
    toml: `[fast]\n${MEMORY}«reed_only = true\n`,
    says: 'fast.reed_only: unknown key; did you mean "read_only"?',
  },
  "an unknown key of a storage": {
    toml: '[fast.calls]\ntype = "void"\n[fast.values]\ntype = "file"\nroot = "x"\n«verfy = "crc"\n',
    says: 'fast.values.verfy: unknown key; did you mean "verify"?',
  },
  "a key that is like no other": {
    toml: '[fast.values]\ntype = "memory"\n«colour = 1\n[fast.calls]\ntype = "void"\n',
    says: "unknown key; it takes type",
  },
  "an unknown key of the settings": {
    toml: '[default]\n«chache = "memory"\n',
    name: null,
    says: 'default.chache: unknown key; did you mean "cache"?',
  },

  "an unknown type": {
    toml: '[fast.values]\nroot = "x"\n«type = "fiel"\n[fast.calls]\ntype = "void"\n',
    says:
      '"fiel" is none of file, sqlite, hdf5, memory, void, compressed, signed; did you mean "file"?',
  },
  "an unknown type of a cache": {
    toml: '[fast]\n«type = "shh"\nhost = "h"\n',
    says: 'did you mean "ssh"?',
  },
  "an unknown type behind another type on the line": {
    toml: '[default]\ncache = { values = { type = "memory" }, calls = { «type = "sqll" } }\n',
    name: null,
    says:
      'default.cache.calls.type: "sqll" is none of sql, file, hdf5, memory, void, compressed, signed; did you mean "sql"?',
  },
  "a key whose name is also in a value before it": {
    toml: '[fast]\nvalues = { root = "my type", «type = "fiel" }\ncalls = { type = "void" }\n',
    says: 'did you mean "file"?',
  },
  "a Python type": {
    toml: '[fast.values]\n«type = "cloudpickle"\nroot = "x"\n[fast.calls]\ntype = "void"\n',
    says: /"cloudpickle" holds Python objects.* use "file"/,
  },
  "a Python type for calls": {
    toml: '[fast.values]\ntype = "void"\n[fast.calls]\n«type = "dill"\nroot = "x"\n',
    says: /"dill" holds Python objects/,
  },
  "pickle": {
    toml: '[fast.values]\n«type = "pickle"\n[fast.calls]\ntype = "void"\n',
    says: /"pickle" holds Python objects/,
  },

  "a number for a string": {
    toml: '[fast.values]\ntype = "file"\n«root = 5\n[fast.calls]\ntype = "void"\n',
    says: "fast.values.root: should be a string",
  },
  "a string for a boolean": {
    toml: `[fast]\n${MEMORY}«read_only = "yes"\n`,
    says: "fast.read_only: should be true or false",
  },
  "a number below zero": {
    toml: `[fast]\n${MEMORY}«save_timeout = -1\n`,
    says: "fast.save_timeout: should be a number above zero",
  },
  "a number that is none": { toml: `[fast]\n${MEMORY}«save_timeout = nan\n`, says: "above zero" },
  "a value for a table": {
    toml: '[fast]\n«values = "memory"\ncalls = { type = "void" }\n',
    says: "fast.values: should be a table",
  },
  "a string for a list": {
    toml: '[fast]\ntype = "ssh"\nhost = "h"\n«ssh_options = "-v"\n',
    says: "fast.ssh_options: should be a list of strings",
  },
  "a number in a list of strings": {
    toml: '[fast]\ntype = "ssh"\nhost = "h"\n«setup_commands = [\n  "a",\n  1,\n]\n',
    says: "should be a list of strings",
  },
  "a number in a table of strings": {
    toml: '[fast]\ntype = "ssh"\nhost = "h"\n«env = { A = "1", B = 2 }\n',
    says: "should be a table of strings",
  },
  "a number for a command": {
    toml: '[fast]\ntype = "ssh"\nhost = "h"\n«command = 1\n',
    says: "should be a string",
  },
  "a command of no words": {
    toml: '[fast]\ntype = "ssh"\nhost = "h"\n«command = []\n',
    says: "fast.command",
  },
  "a host that is an option": {
    toml: '[fast]\ntype = "ssh"\n«host = "-oProxyCommand=x"\n',
    says: /as a host/,
  },
  "a variable that has no name": {
    toml: '[fast]\ntype = "ssh"\nhost = "h"\n[fast.«env]\n"A B" = "1"\n',
    says: '"A B"',
  },
  "a verification that there is not": {
    toml:
      '[fast.values]\ntype = "file"\nroot = "x"\n«verify = "md5"\n[fast.calls]\ntype = "void"\n',
    says: '"md5" is none of crc, sha256',
  },
  "a journal mode that there is not": {
    toml: '[fast.values]\ntype = "void"\n[fast.calls]\ntype = "sql"\n«journal = "wall"\n',
    says: '"wall" is none of wal, delete, truncate, persist; did you mean "wal"?',
  },
  "a database that is not known": {
    toml: '[fast.values]\ntype = "void"\n[fast.calls]\ntype = "sql"\n«url = "mssql://h/db"\n',
    says: "mssql",
  },
  "a date for a table": { toml: "[fast]\n«values = 2024-01-01\n", says: "should be a table" },

  "a storage without a root": {
    toml: '[fast.«values]\ntype = "file"\n[fast.calls]\ntype = "void"\n',
    says: 'fast.values: lacks the key "root"',
  },
  "a storage without a type": {
    toml: '[fast.values]\ntype = "void"\n[fast.«calls]\nurl = "sqlite://"\n',
    says: 'fast.calls: lacks the key "type"',
  },
  "a cache without calls": {
    toml: '[«fast.values]\ntype = "void"\n',
    says: 'fast: lacks the table "calls"',
  },
  "a remote cache without a host": {
    toml: '\n[«fast]\ntype = "ssh"\n',
    says: 'fast: lacks the key "host"',
  },
  "a table that is no cache": {
    toml: "[«fast]\nx = 1\n",
    says: 'should have the tables "values" and "calls", or a "template"',
  },
  "a value that is in no table": { toml: '«cache = "memory"\n', says: "" },

  "a cache that there is not": {
    toml: `[default]\n«cache = "fsat"\n[fast]\n${MEMORY}`,
    name: null,
    says: 'default.cache: there is no cache "fsat"; did you mean "fast"?',
  },
  "a default cache that is the default cache": {
    toml: '[default]\n«cache = "default"\n',
    name: null,
    says: "default",
  },
  "a default cache that is a number": { toml: "[default]\n«cache = 5\n", name: null, says: "" },
  "metadata that there is not": {
    toml: '[default]\n«metadata = ["Runtime", "Runtme"]\n',
    name: null,
    says: 'there is no metadata "Runtme"; did you mean "Runtime"?',
  },
  "Tags, which take arguments": {
    toml: '[default]\n«metadata = ["Tags"]\n',
    name: null,
    says: /tags belong to calls.* withTags\(/,
  },
  "a list of metadata that is none": {
    toml: '[default]\n«metadata = "Runtime"\n',
    name: null,
    says: "should be a list of strings",
  },
  "a root that is no boolean": {
    toml: '[default]\n«root = "yes"\n',
    name: null,
    says: "true or false",
  },
  "settings that are no table": { toml: "«default = 1\n", name: null, says: "should be a table" },
  "settings that are misspelt": {
    toml: `[fast]\n${MEMORY}[«defualt]\ncache = "fast"\n`,
    says: 'did you mean "default"?',
  },

  "a fault in the second cache of a stack": {
    toml: `[[fast]]\n${MEMORY}\n[[fast]]\nvalues = { type = "void" }\ncalls = { «type = "slq" }\n`,
    says: 'fast[1].calls.type: "slq" is none of',
  },
  "an unknown key in the second cache of a stack": {
    toml: `[[fast]]\n${MEMORY}\n[[fast]]\n${MEMORY}«readonly = true\n`,
    says: 'fast[1].readonly: unknown key; did you mean "read_only"?',
  },
  "a stack of nothing": { toml: "«fast = []\n", says: "" },
  "a stack in an array": {
    toml: `fast = [\n  { values = { type = "void" }, calls = { type = "void" } },\n  1,\n]\n`
      .replace(
        "fast",
        "«fast",
      ),
    says: "fast[1]: should be a table",
  },

  "dotted keys": {
    toml: 'fast.values.type = "void"\nfast.calls.«type = "viod"\n',
    says: 'did you mean "void"?',
  },
  "a fault behind values of many lines": {
    toml: "[fast.values]\nroot = '''\ntype = \"x\"\nverify = 1\n'''\n" +
      'type = "file"\n«verify = "no"\n[fast.calls]\ntype = "void"\n',
    says: '"no" is none of',
  },
  "a fault behind comments that look like it": {
    toml:
      '# type = "fiel"\n[fast.values] # type\n# «\n«type = "fiel" # type\n[fast.calls]\ntype = "void"\n'
        .replace("# «\n", "# more\n"),
    says: 'did you mean "file"?',
  },
  "a fault behind letters of many bytes": {
    toml: '# 😀 é\n[fast]\ncalls = { type = "void" }\nvalues = { root = "é", «type = "fiel" }\n',
    says: 'did you mean "file"?',
  },

  "a template that there is not": {
    toml: '[fast]\n«template = "fiel"\nroot = "x"\n',
    says: '"fiel" is none of file, sqlite, hdf5, memory; did you mean "file"?',
  },
  "a template without a root": {
    toml: '[«fast]\ntemplate = "sqlite"\n',
    says: 'fast: lacks the key "root"',
  },
  "a template and what it stands for": {
    toml: `[fast]\n«values = { type = "void" }\ntemplate = "file"\nroot = "x"\n`,
    says: "fast.values: unknown key",
  },
  "a template in memory with a root": {
    toml: '[fast]\ntemplate = "memory"\n«root = "x"\n',
    says: "fast.root: unknown key",
  },
  "an option that no storage of a template takes": {
    toml: '[fast]\ntemplate = "file"\nroot = "x"\n«jornal = "wal"\n',
    says: "fast.jornal: unknown key",
  },
  "a misspelt template": {
    toml: '[fast]\n«tmplate = "file"\nroot = "x"\n',
    says: 'fast.tmplate: unknown key; did you mean "template"?',
  },
  "a policy that there is not": {
    toml: '[fast]\ntemplate = "memory"\nmax_size = 1\n«policy = "lur"\n',
    says: '"lur" is none of oldest, lru, random, cost; did you mean "lru"?',
  },
  "a policy without a limit": {
    toml: '[fast]\ntemplate = "memory"\n«policy = "lru"\n',
    says: 'is of no use without "max_size" or "max_bytes"',
  },
  "a limit that is no whole number": {
    toml: '[fast]\ntemplate = "memory"\n«max_size = 1.5\n',
    says: "fast.max_size: should be a whole number above zero",
  },
  "a size of unknown units": {
    toml: '[fast]\ntemplate = "memory"\n«max_bytes = "10 gb"\n',
    says: '"10 GiB" (units: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)',
  },
  "a limit for another machine": {
    toml: '[fast]\ntype = "ssh"\nhost = "h"\n«max_size = 5\n',
    says: "fast.max_size: unknown key",
  },
  "a compression that there is not": {
    toml: '[fast]\ntemplate = "file"\nroot = "x"\n«compress = "gzp"\n',
    says: '"gzp" is none of zstd, gzip; did you mean "gzip"?',
  },
  "a number for a compression": {
    toml: '[fast]\ntemplate = "file"\nroot = "x"\n«compress = 9\n',
    says: "should be zstd, gzip, true or false",
  },
  "a compression that HDF5 does not know": {
    toml: '[fast]\ntemplate = "hdf5"\nroot = "x"\n«compress = "zstd"\n',
    says: 'use "gzip"',
  },
  "a key for signing that is too short": {
    toml: '[fast]\ntemplate = "file"\nroot = "x"\n«secret_key = ["00ff"]\n',
    says: /secret key 1.*hexadecimal/,
  },
  "a compressed storage in a compressed one": {
    toml: '[fast]\ncalls = { type = "void" }\n[fast.values]\ntype = "compressed"\n' +
      'inner.«type = "compressed"\ninner.inner = { type = "file", root = "x" }\n',
    says: 'there is "compressed" around it already',
  },
  "a compressed storage that is compressed by itself": {
    toml: '[fast]\ncalls = { type = "void" }\n[fast.values]\ntype = "compressed"\n' +
      'inner.type = "file"\ninner.root = "x"\ninner.«compress = true\n',
    says: "fast.values.inner.compress",
  },
  "a compressed storage in memory": {
    toml: '[fast]\ncalls = { type = "void" }\n[fast.values]\ntype = "compressed"\n' +
      'inner.«type = "memory"\n',
    says: "neither compressed nor signed",
  },
  "a compressed storage without an inner one": {
    toml: '[fast]\ncalls = { type = "void" }\n[fast.«values]\ntype = "compressed"\nroot = "x"\n',
    says: 'lacks the table "inner"',
  },
  "a fault in an inner storage": {
    toml: '[fast]\ncalls = { type = "void" }\n[fast.values]\ntype = "compressed"\n' +
      'inner.type = "file"\ninner.root = "x"\ninner.«verfy = "crc"\n',
    says: 'fast.values.inner.verfy: unknown key; did you mean "verify"?',
  },
  "a pool that is no list": { toml: '[fast]\n«pool = "memory"\n', says: "should be a list" },
  "a pool of nothing": { toml: "[fast]\n«pool = []\n", says: "at least one cache" },
  "a number in a pool": {
    toml: "[fast]\n«pool = [1]\n",
    says: "fast.pool[0]: should be a table",
  },
  "a name in a pool that no cache has": {
    toml: `[other]\n${MEMORY}[fast]\n«pool = ["memory", "othr"]\n`,
    says: 'fast.pool[1]: there is no cache "othr"; did you mean "other"?',
  },
  "a name in a stack that no cache has": {
    toml: `«fast = ["memory", "othr"]\n[other]\n${MEMORY}`,
    says: 'fast[1]: there is no cache "othr"; did you mean "other"?',
  },
  "a cache that contains itself": {
    toml: '«fast = ["memory", "fast"]\n',
    says: 'the cache "fast" would contain itself: fast -> fast',
  },
  "caches that contain each other": {
    toml: 'fast = ["memory", "loop"]\n[loop]\n«pool = ["fast"]\n',
    says: 'the cache "fast" would contain itself: fast -> loop -> fast',
  },

  "the reserved name memory": {
    toml: `[«memory]\n${MEMORY}`,
    says: 'the name "memory" is reserved',
  },
  "the reserved name void": { toml: `[«void]\n${MEMORY}`, says: 'the name "void" is reserved' },
};

function renamed({ toml, says }: Fault, name: string): Fault {
  const inName = (text: string) => text.replaceAll("fast", name);
  return { name, toml: inName(toml), says: typeof says === "string" ? inName(says) : says };
}

/** A text without its mark, and where that was, from 1. */
function marked(text: string): { text: string; line: number; column: number } {
  const before = text.slice(0, text.indexOf("«")).split("\n");
  assert(text.includes("«"));
  return {
    text: text.replace("«", ""),
    line: before.length,
    column: (before.at(-1) ?? "").length + 1,
  };
}

for (const [ends, end] of [["\\n", "\n"], ["\\r\\n", "\r\n"]] as const) {
  Deno.test(`a fault is named with file, line and column where lines end in ${ends}`, async (t) => {
    using folder = new ConfigFolder();
    const faults = Object.entries(FAULTS).map(([label, each], index) => {
      // What is found once is found again: one row must not help another.
      const fault = each.name === null ? each : renamed(each, `fast${index}`);
      const file = `home/project/${index}/fleche.toml`;
      const place = marked(fault.toml);
      folder.write(file, place.text.replaceAll("\n", end));
      return { label, fault, place, path: folder.join(file) };
    });
    const steps = faults.map(({ fault: { name = null }, path }): LoadStep => ({
      cwd: join(path, ".."),
      env: folder.env,
      ...(name === null ? {} : { name }),
    }));
    const outcomes = await load(steps);
    for (const [index, { label, fault, place, path }] of faults.entries()) {
      await t.step(label, () => {
        const outcome = outcomes[index];
        assert(typeof outcome === "object");
        const { error } = outcome;
        assert(error !== undefined, `no error, but ${JSON.stringify(outcome)}`);
        assert.equal(error.name, "ConfigError");
        const { line, column } = place;
        assert.deepEqual(error.data, { file: path, line, column }, error.message);
        assert(error.message.includes(`${path}, line ${line}, column ${column}: `), error.message);
        if (fault.says instanceof RegExp) assert.match(error.message, fault.says);
        else assert(error.message.includes(fault.says), error.message);
      });
    }
  });
}

Deno.test("a name that no cache has is an error that names the files that were read", async () => {
  using folder = new ConfigFolder({
    "home/project/fleche.toml": `[fast]\n${MEMORY}`,
    "config/fleche/cache.toml": `[slow]\n${MEMORY}`,
  });
  const [outcome] = await load([{ cwd: folder.project, env: folder.env, name: "lab" }]);
  assert(typeof outcome === "object");
  assert.equal(
    outcome.error?.message,
    `There is no cache "lab" in ${folder.project}/fleche.toml or ${folder.join("config")}` +
      "/fleche/cache.toml; there are fast, slow, memory, void; use one of these, or add a table " +
      "[lab] there",
  );
});

Deno.test("a name that no cache has is an error that says where files would be read", async () => {
  using folder = new ConfigFolder();
  const names = ["lab", "memroy"];
  const outcomes = await load(
    names.map((name) => ({ cwd: folder.project, env: folder.env, name })),
  );
  const says = [
    "make one of these files, with a table [lab] in it, or use memory, void or default",
    'did you mean "memory"?',
  ];
  for (const [index, name] of names.entries()) {
    const outcome = outcomes[index];
    assert(typeof outcome === "object");
    assert.equal(
      outcome.error?.message,
      `There is no cache "${name}", since there is no configuration: neither fleche.toml in ` +
        `${folder.project} or above it nor ${folder.join("config")}/fleche/cache.toml; ${
          says[index]
        }`,
    );
  }
});

Deno.test("an error of the configuration has no cause that repeats it", async () => {
  using folder = new ConfigFolder();
  for (const text of ["[fast\n", "[fast]\nx = 1\n"]) {
    folder.write("home/project/fleche.toml", text);
    const [outcome] = await load([{ cwd: folder.project, env: folder.env, name: "fast" }]);
    assert(typeof outcome === "object" && outcome.error !== undefined);
    assert.equal(outcome.error.hasCause, false);
  }
});

Deno.test("a name that no cache has is an error that suggests one", async () => {
  using folder = new ConfigFolder({ "home/project/fleche.toml": `[fast]\n${MEMORY}` });
  const cwd = folder.project;
  const names = ["fsat", "memroy", "quite different"];
  const outcomes = await load(names.map((name) => ({ cwd, env: folder.env, name })));
  const says = ['did you mean "fast"?', 'did you mean "memory"?', "there are fast, memory, void"];
  for (const [index, text] of says.entries()) {
    const outcome = outcomes[index];
    assert(typeof outcome === "object");
    assert.equal(outcome.error?.name, "ConfigError");
    const { message } = outcome.error;
    assert(message.includes(names[index] ?? "") && message.includes(text), message);
  }
});

for (const name of ["constructor", "toString", "hasOwnProperty", "__proto__", "valueOf"]) {
  Deno.test(`"${name}" names a cache only where a file says so`, async () => {
    using folder = new ConfigFolder();
    const [none] = await load([{ cwd: folder.project, env: folder.env, name }]);
    assert(typeof none === "object");
    assert.equal(none.error?.name, "ConfigError", JSON.stringify(none));
    folder.write("home/project/fleche.toml", `["${name}"]\n${MEMORY}`);
    const [found] = await load([{ cwd: folder.project, env: folder.env, name }]);
    assert(typeof found === "object");
    assert.deepEqual(found.config, { values: { type: "memory" }, calls: { type: "memory" } });
  });
}

Deno.test("a configuration that is not UTF-8 is an error that says which line", async () => {
  using folder = new ConfigFolder();
  const path = folder.join("home/project/fleche.toml");
  // A letter of ISO 8859-1.
  const bytes = new TextEncoder().encode(`# größer\n[fast]\n# gr?n\n${MEMORY}`);
  bytes[bytes.indexOf(0x3f)] = 0xfc;
  Deno.writeFileSync(path, bytes);
  const [outcome] = await load([{ cwd: folder.project, env: folder.env, name: "fast" }]);
  assert(typeof outcome === "object");
  assert.equal(
    outcome.error?.message,
    `Bad configuration in ${path}, line 3: it is not UTF-8; save the file in that encoding`,
  );
  assert.deepEqual([outcome.error.data.file, outcome.error.data.line], [path, 3]);
});
