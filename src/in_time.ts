/** Longest time that a timer takes, in milliseconds; beyond it there is no limit. */
const MAX_TIMER = 2 ** 31 - 1;

/**
 * Waits for work, but not for good.
 *
 * @param seconds how long
 * @param who does it, for the message
 * @throws {Error} If it takes longer; the work itself goes on.
 */
export async function inTime<T>(
  work: Promise<T>,
  seconds: number,
  who = "the cache",
): Promise<T> {
  if (seconds * 1000 > MAX_TIMER) return await work;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const fail = () => reject(new Error(`${who} did not answer in ${seconds} seconds`));
    timer = setTimeout(fail, seconds * 1000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
