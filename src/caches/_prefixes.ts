import { SHORTEST_PREFIX } from "../digest.ts";

/**
 * The shortest prefixes, of at least 4 digits, that tell some keys from everything else.
 *
 * @param keys whole keys; those that are not present are left out of what is returned
 * @param present whole names, in any order: all that share their first digits with the keys
 */
export function shortestPrefixes(
  keys: Iterable<string>,
  present: Iterable<string>,
): Map<string, string> {
  const wanted = new Set(keys);
  const shortened = new Map<string, string>();
  // Of all names, those next to a key have most digits in common with it.
  const names = [...new Set(present)].sort();
  for (const [index, name] of names.entries()) {
    if (!wanted.has(name)) continue;
    const shared = [names[index - 1], names[index + 1]].map((other) => commonLength(name, other));
    shortened.set(
      name,
      name.slice(0, Math.max(SHORTEST_PREFIX, ...shared.map((each) => each + 1))),
    );
  }
  return shortened;
}

function commonLength(one: string, other = ""): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return length;
}
