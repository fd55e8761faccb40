/** The names that begin with a prefix, up to a limit. */
export function listPrefixed(
  names: Iterable<string>,
  prefix: string,
  limit: number = Infinity,
): string[] {
  const found: string[] = [];
  for (const name of names) {
    if (found.length >= limit) break;
    if (name.startsWith(prefix)) found.push(name);
  }
  return found;
}
