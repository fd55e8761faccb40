/** Pieces of a list, each of at most so many elements. */
export function* batches<T>(all: readonly T[], most: number): Iterable<T[]> {
  for (let at = 0; at < all.length; at += most) yield all.slice(at, at + most);
}
