/** How long work goes on before other work gets its turn, in milliseconds. */
const TURN = 20;

// When other work last had its turn. All long work shares it: several short pieces of it, one after the
// other, keep the others waiting as well as one long piece does.
let last = 0;

/** What long work awaits at each step, so that other work of the process goes on beside it. */
export function breathe(): Promise<void> | void {
  if (performance.now() - last < TURN) return;
  return new Promise((resolve) =>
    setTimeout(() => {
      last = performance.now();
      resolve();
    })
  );
}
