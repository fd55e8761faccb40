import assert from "node:assert/strict";
import { isNetworkFileSystem, isOnNetwork } from "../../src/storage/_network_file_system.ts";
import { TemporaryFolder } from "./_temporary_folder.ts";

const TYPES: Record<string, [type: number, isNetwork: boolean]> = {
  nfs: [0x6969, true],
  lustre: [0x0bd00bd0, true],
  gpfs: [0x47504653, true],
  cifs: [0xff534d42, true],
  smb2: [0xfe534d42, true],
  beegfs: [0x19830326, true],
  afs: [0x5346414f, true],
  ceph: [0x00c36400, true],
  fuse: [0x65735546, true],
  ext4: [0xef53, false],
  xfs: [0x58465342, false],
  btrfs: [0x9123683e, false],
  tmpfs: [0x01021994, false],
  overlay: [0x794c7630, false],
};

for (const [name, [type, expected]] of Object.entries(TYPES)) {
  Deno.test(`isNetworkFileSystem() says ${expected} of ${name}`, () => {
    assert.equal(isNetworkFileSystem(type), expected);
  });
}

Deno.test("isOnNetwork() takes a folder that cannot be looked at for a local one", () => {
  using folder = new TemporaryFolder();
  assert.equal(isOnNetwork(folder.join("absent")), false);
});
