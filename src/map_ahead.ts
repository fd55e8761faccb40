/** How many are under way at the same time, where nothing else is said. */
const AHEAD = 16;

/**
 * Does something with each of a sequence, with several under way at a time, and gives what comes of
 * it in the order of the sequence.
 *
 * @param ahead how many, 16 by default
 */
export async function* mapAhead<T, R>(
  sequence: AsyncIterable<T> | Iterable<T>,
  work: (each: T) => Promise<R>,
  ahead = AHEAD,
): AsyncIterable<R> {
  const underWay: Promise<R>[] = [];
  try {
    for await (const each of sequence) {
      const done = work(each);
      // Whoever takes it hears of a failure; until then it is not unhandled.
      done.catch(() => {});
      underWay.push(done);
      if (underWay.length >= ahead) yield await underWay.shift() as R;
    }
    while (underWay.length > 0) yield await underWay.shift() as R;
  } finally {
    await Promise.allSettled(underWay);
  }
}
