import { SHORTEST_PREFIX } from "../digest.ts";

/**
 * The shortest prefix of a key that none of its neighbours begins with, at least 4 digits.
 *
 * @param key a whole key
 * @param neighbours keys that share its first digits; the key itself may be among them
 */
export function shortestPrefix(key: string, neighbours: Iterable<string>): string {
  let length = SHORTEST_PREFIX;
  for (const other of neighbours) {
    if (other !== key) length = Math.max(length, commonLength(key, other) + 1);
  }
  return key.slice(0, length);
}

function commonLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return length;
}
