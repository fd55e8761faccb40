/** How long work goes on before other work gets its turn, in milliseconds. */
const TURN = 20;

/** What long work awaits at each step, so that other work of the process goes on beside it. */
export function breath(): () => Promise<void> | void {
  let last = performance.now();
  return () => {
    if (performance.now() - last < TURN) return;
    return new Promise((resolve) =>
      setTimeout(() => {
        last = performance.now();
        resolve();
      })
    );
  };
}
