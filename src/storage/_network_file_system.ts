import { statfsSync } from "node:fs";

/**
 * Numbers of the file systems that other machines may write to at the same time, as statfs(2) gives
 * them. Most stand in Linux's include/uapi/linux/magic.h, next to others that its drivers define
 * themselves: fs/smb/client (CIFS, SMB2), lustre_idl.h and BeeGFS' client module; GPFS and Panasas are
 * as GNU coreutils' src/stat.c lists them.
 */
const NETWORK_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0x6969, // NFS
  0x0bd00bd0, // Lustre
  0x47504653, // GPFS, also called Spectrum Scale
  0xff534d42, // CIFS
  0xfe534d42, // SMB 2 and 3
  0x517b, // SMB 1
  0x19830326, // BeeGFS
  0x5346414f, // AFS, OpenAFS
  0x6b414653, // AFS, Linux's own
  0x00c36400, // Ceph
  0x65735546, // FUSE: sshfs, GlusterFS, S3; which of them, the number does not say
  0x73757245, // Coda
  0x01021997, // 9P
  0x7461636f, // OCFS2
  0x01161970, // GFS2
  0xaad7aaea, // Panasas
]);

/**
 * Whether a folder is on a network file system, as far as that can be told: on Linux only, and with
 * the permissions to ask.
 */
export function isOnNetwork(folder: string): boolean {
  // The numbers of other systems mean something else.
  if (Deno.build.os !== "linux") return false;
  try {
    // On some processors the number is signed.
    return isNetworkFileSystem(statfsSync(folder).type >>> 0);
  } catch (error) {
    // Deno asks for all permissions below /dev, /proc and /sys; what is missing shows up later.
    if (error instanceof Error) return false;
    throw error;
  }
}

/** Whether a number that statfs(2) gives is that of a network file system. */
export function isNetworkFileSystem(type: number): boolean {
  return NETWORK_FILE_SYSTEMS.has(type);
}
