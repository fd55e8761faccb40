import { digest, fleche, registerType, withCache } from "@fleche/core";
import assert from "node:assert";
import { memoryCache, warningsOf } from "../_wrapper.ts";

let runs: string[] = [];

const ODD: unique symbol = Symbol("odd");

class Grid {
  constructor(readonly spacing: number) {}
  @fleche.method({ version: 1 })
  async solve(steps: number, { scale = 1 }: { scale?: number } = {}): Promise<number> {
    runs.push(`solve ${steps}`);
    return await Promise.resolve(this.spacing * steps * scale);
  }
  // With a parameter, it is a syntax error once Deno has compiled the decorator.
  @fleche.method()
  #hidden(): Promise<number> {
    runs.push("hidden");
    return Promise.resolve(this.spacing + 1);
  }
  hidden(): Promise<number> {
    return this.#hidden();
  }
  hiddenIsStored(): Promise<boolean> {
    return fleche.handles(this, this.#hidden).contains();
  }
  @fleche.method()
  static async unit(x: number): Promise<number> {
    runs.push(`unit ${x}`);
    return await Promise.resolve(x);
  }
  @fleche.method()
  static async named(x: number): Promise<string> {
    runs.push(`named ${x}`);
    return await Promise.resolve(`${this.name} ${x}`);
  }
  @fleche.method({ name: "chosen" })
  [ODD](): Promise<number> {
    return Promise.resolve(this.spacing);
  }
}

class FineGrid extends Grid {}

registerType<Grid, number>({
  name: "tests/Grid",
  match: (value) => value instanceof Grid && Object.getPrototypeOf(value) === Grid.prototype,
  encode: (grid) => grid.spacing,
  decode: (spacing) => new Grid(spacing),
});

registerType<FineGrid, number>({
  name: "tests/FineGrid",
  match: (value) => value instanceof FineGrid,
  encode: (grid) => grid.spacing,
  decode: (spacing) => new FineGrid(spacing),
});

Deno.test("fleche.method() caches by what this is and by the arguments", async () => {
  runs = [];
  await using cache = memoryCache();
  await withCache(cache, async () => {
    assert.equal(await new Grid(2).solve(3), 6);
    assert.equal(await new Grid(2).solve(3, {}), 6);
    assert.equal(await new Grid(4).solve(3), 12);
    assert.equal(await new Grid(2).solve(4), 8);
  });
  assert.deepEqual(runs, ["solve 3", "solve 3", "solve 4"]);
  const grid = new Grid(2);
  const call = await cache.load(fleche.handles(grid, grid.solve).digest(3));
  assert.equal(call.name, "Grid.solve");
  assert.equal(call.module, "@fleche/core/tests/fleche/method_test.ts");
  assert.equal(call.version, 1);
  assert.deepEqual(call.argumentNames, ["this", "steps", "[1]"]);
  assert.equal((await call.argument("this") as Grid).spacing, 2);
});

Deno.test("fleche.method() names the class that has the method, whatever the object", async () => {
  await using cache = memoryCache();
  await withCache(cache, () => new FineGrid(2).solve(7));
  assert.equal((await cache.query().only()).name, "Grid.solve");
  class First {
    @fleche.method()
    async which(): Promise<number> {
      return await Promise.resolve(this.constructor.length);
    }
    [Symbol.for("fleche.digest")]() {
      return digest(this.constructor.name);
    }
  }
  class Second extends First {}
  await withCache(cache, async () => [await new Second().which(), await new First().which()]);
  assert.equal(await cache.query({ name: "First.which" }).count(), 2);
});

Deno.test("fleche.method() caches private methods", async () => {
  runs = [];
  await using cache = memoryCache();
  await withCache(cache, async () => {
    assert.equal(await new FineGrid(1).hidden(), 2);
    assert.equal(await new FineGrid(1).hidden(), 2);
    assert.equal(await new FineGrid(1).hiddenIsStored(), true);
    assert.equal(await new FineGrid(2).hiddenIsStored(), false);
  });
  assert.deepEqual(runs, ["hidden"]);
  assert.equal((await cache.query().only()).name, "Grid.#hidden");
});

Deno.test("fleche.method() takes the class as argument of a static method that uses it", async () => {
  runs = [];
  await using cache = memoryCache();
  const warnings = await warningsOf(() =>
    withCache(cache, async () => {
      assert.deepEqual([await Grid.unit(1), await FineGrid.unit(1)], [1, 1]);
      assert.deepEqual([await Grid.named(1), await FineGrid.named(1)], ["Grid 1", "FineGrid 1"]);
    })
  );
  assert.deepEqual(runs, ["unit 1", "named 1", "named 1"]);
  assert.deepEqual((await cache.query().only()).argumentNames, ["x"]);
  assert.match(warnings.join(), /Grid\.named runs uncached: .*arguments\.this/);
});

Deno.test("fleche.method() takes a class that gives its own digest", async () => {
  runs = [];
  class Settings {
    static factor = 2;
    static [Symbol.for("fleche.digest")]() {
      return digest(this.factor);
    }
    @fleche.method()
    static async times(x: number): Promise<number> {
      runs.push(`times ${x}`);
      return await Promise.resolve(this.factor * x);
    }
  }
  await withCache(memoryCache(), async () => {
    assert.deepEqual([await Settings.times(2), await Settings.times(2)], [4, 4]);
    Settings.factor = 3;
    assert.equal(await Settings.times(2), 6);
  });
  assert.deepEqual(runs, ["times 2", "times 2"]);
});

Deno.test("fleche.method() takes the option name for methods whose name says nothing", async () => {
  await using cache = memoryCache();
  assert.equal(await withCache(cache, () => new Grid(5)[ODD]()), 5);
  assert.equal((await cache.query().only()).name, "chosen");
});

Deno.test("fleche.method() runs uncached, with a warning, where the object has no encoding", async () => {
  class Plain {
    runs = 0;
    @fleche.method()
    async run(): Promise<number> {
      return await Promise.resolve(++this.runs);
    }
  }
  const plain = new Plain();
  const warnings = await warningsOf(() =>
    withCache(memoryCache(), async () => {
      assert.deepEqual([await plain.run(), await plain.run()], [1, 2]);
    })
  );
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /Plain\.run runs uncached: .*arguments\.this/);
});

Deno.test("fleche.method() has the handles of a function, given the object", async () => {
  const grid = new Grid(6);
  const { contains, describe, evict, load, query, rerun, explain, bound } = fleche.handles(
    grid,
    grid.solve,
  );
  runs = [];
  await withCache(memoryCache(), async () => {
    assert.equal(await contains(1), false);
    assert.equal(await bound(1)(), 6);
    assert.equal(await load(1), 6);
    assert.equal(await rerun(1), 6);
    assert.equal(await query({ arguments: { steps: 1 } }).count(), 1);
    assert.equal((await explain(1)).status, "hit");
    assert.equal(describe(1).arguments["this"], grid);
    const untyped: { load(self: Grid, steps: number): Promise<number> } = Object(grid.solve);
    assert.equal(await untyped.load(grid, 1), 6);
    assert.equal(await evict(1), true);
    await assert.rejects(untyped.load(grid, 1));
  });
  assert.deepEqual(runs, ["solve 1", "solve 1"]);
  assert.throws(
    () => fleche.handles(grid, (x: number) => Promise.resolve(x)),
    /Cannot ask for the calls of a method that fleche\.method does not decorate/,
  );
});

class Base {
  constructor(readonly value = 1) {}
  [Symbol.for("fleche.digest")]() {
    return digest(["Base", this.value]);
  }
  factor(): number {
    return 2;
  }
  @fleche.method({ version: 1, deps: () => ["given"] })
  async times(x: number): Promise<number> {
    return await Promise.resolve(x * this.factor() * this.value);
  }
  static base(): number {
    return 2;
  }
  static [Symbol.for("fleche.digest")]() {
    return digest("Base");
  }
  @fleche.method({ version: 1 })
  static async plus(x: number): Promise<number> {
    return await Promise.resolve(x + this.base());
  }
}

class Five extends Base {
  override factor(): number {
    return 5;
  }
  static override base(): number {
    return 5;
  }
}

class StillFive extends Five {}

Deno.test("fleche.method() tells objects of subclasses apart that inherit their digest", async () => {
  await using cache = memoryCache();
  const warnings = await warningsOf(() =>
    withCache(cache, async () => {
      for (const _ of ["run", "load"]) {
        assert.deepEqual(
          [await new Base().times(1), await new Five().times(1), await new StillFive().times(1)],
          [2, 5, 5],
        );
        assert.deepEqual([await Base.plus(1), await Five.plus(1), await StillFive.plus(1)], [
          3,
          6,
          6,
        ]);
      }
      const five = new Five();
      assert.equal(await fleche.handles(five, five.times).load(1), 5);
    })
  );
  assert.deepEqual(warnings, []);
  assert.equal(await cache.query({ name: "Base.times" }).count(), 3);
  assert.equal(await cache.query({ name: "Base.plus" }).count(), 3);
});

Deno.test("fleche.method() tells objects of subclasses apart that are registered as the class", async () => {
  class Registered {
    factor(): number {
      return 2;
    }
    @fleche.method()
    async times(x: number): Promise<number> {
      return await Promise.resolve(x * this.factor());
    }
  }
  registerType<Registered, null>({
    name: "tests/Registered",
    match: (value) => value instanceof Registered,
    encode: () => null,
    decode: () => new Registered(),
  });
  class Seven extends Registered {
    override factor(): number {
      return 7;
    }
  }
  await withCache(memoryCache(), async () => {
    assert.deepEqual([await new Registered().times(1), await new Seven().times(1)], [2, 7]);
  });
});

Deno.test("fleche.method() lets a subclass speak for itself", async () => {
  class Own extends Base {
    [Symbol.for("fleche.digest")]() {
      return digest(["Own", this.value]);
    }
  }
  await using cache = memoryCache();
  await withCache(cache, async () => {
    const [own, base] = [new Own(), new Base()];
    await own.times(1);
    await base.times(1);
    assert.equal(
      fleche.handles(own, own.times).describe(1).deps,
      fleche.handles(base, base.times).describe(1).deps,
    );
  });
  assert.equal(await cache.query().count(), 2);
});

Deno.test("fleche.method() runs uncached where the source of a subclass says too little", async () => {
  const make = (factor: number) =>
    new class Made extends Base {
      override factor(): number {
        return factor;
      }
    }();
  const patched: Base = Object.create(new Base());
  patched.factor = () => 9;
  const inherited: Base = Object.create(patched);
  await using cache = memoryCache();
  const warnings = await warningsOf(() =>
    withCache(cache, async () => {
      assert.deepEqual([await make(3).times(1), await make(4).times(1)], [3, 4]);
      assert.equal(await inherited.times(1), 9);
      assert.equal(await new Base().times(1), 2);
    })
  );
  assert.equal(await cache.query().count(), 2);
  assert.equal(warnings.length, 2);
  assert.match(
    warnings[0] ?? "",
    /Base\.times runs uncached: what the class Made overrides .* give it a method \[Symbol\.for/,
  );
});

Deno.test("fleche.method() rejects calls of which no class is known", async () => {
  class Lost {
    @fleche.method()
    async run(): Promise<number> {
      return await Promise.resolve(1);
    }
  }
  const { run } = Lost.prototype;
  await assert.rejects(
    withCache(memoryCache(), () => Reflect.apply(run, undefined, [])),
    /Cannot tell which class the method run belongs to/,
  );
  const makeAnonymous = () =>
    class {
      @fleche.method()
      async run(): Promise<number> {
        return await Promise.resolve(1);
      }
    };
  await assert.rejects(withCache(memoryCache(), () => new (makeAnonymous())().run()), TypeError);
});

Deno.test("fleche.method() says at once what cannot be cached", () => {
  assert.throws(() =>
    class Generates {
      // @ts-expect-error A generator returns no promise.
      @fleche.method()
      *run() {
        yield 1;
      }
    }, /Cannot cache the generator run/);
  const decorate: unknown = fleche.method();
  assert(typeof decorate === "function");
  const context = { kind: "getter", name: "size", static: false, private: false };
  assert.throws(() => decorate(() => 1, context), /Cannot cache the getter size: only methods/);
  assert.throws(
    () => decorate({}, "run", { value: () => 1 }),
    /Cannot decorate a method in the old way: remove experimentalDecorators/,
  );
});
