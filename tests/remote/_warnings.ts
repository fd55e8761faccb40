/**
 * Runs a function, which can look at what has been warned of so far; what was warned of meanwhile, as
 * the user would see it on standard error.
 */
export async function warningsOf(
  use: (warnings: readonly string[]) => Promise<void>,
): Promise<string[]> {
  const warnings: string[] = [];
  const { warn } = console;
  console.warn = (...parts: unknown[]) => {
    warnings.push(parts.join(" "));
  };
  try {
    await use(warnings);
  } finally {
    console.warn = warn;
  }
  return warnings;
}
