import assert from "node:assert/strict";
import { tableName } from "../../src/cli/_table_name.ts";

const NAMES: readonly [host: string, name: string][] = [
  ["cluster", "cluster"],
  ["me@cluster.example.org", "cluster"],
  ["me@site@Login-1_a", "login-1_a"],
  ["192.168.0.7", "192-168-0-7"],
  ["me@::1", "1"],
  ["fe80::1%eth0", "fe80-1-eth0"],
  ["ssh://me@cluster:2222", "cluster"],
  ["ssh://[fe80::1]", "fe80-1"],
  ["default", "default-remote"],
  ["memory.example.org", "memory-remote"],
  ["VOID", "void-remote"],
  ["größe", "gr-e"],
  ["日本", "remote"],
];

Deno.test("tableName() makes a name that TOML takes and that is not reserved", () => {
  for (const [host, name] of NAMES) {
    assert.equal(tableName(host), name);
    assert.match(name, /^[A-Za-z0-9_-]+$/);
  }
});
