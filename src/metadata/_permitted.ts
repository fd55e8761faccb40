/** What something gives, or null where the program has no permission for it; it never prompts. */
export function permitted<T>(descriptor: Deno.PermissionDescriptor, read: () => T): T | null {
  return isGranted(descriptor) ? read() : null;
}

/** Whether the program has a permission, without asking for it. */
export function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}
