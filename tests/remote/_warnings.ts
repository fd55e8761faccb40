/** Runs a function; what was warned of meanwhile, as the user would see it on standard error. */
export async function warningsOf(use: () => Promise<void>): Promise<string[]> {
  const warnings: string[] = [];
  const { warn } = console;
  console.warn = (...parts: unknown[]) => {
    warnings.push(parts.join(" "));
  };
  try {
    await use();
  } finally {
    console.warn = warn;
  }
  return warnings;
}
