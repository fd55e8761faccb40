/** Runs a function; what errors were logged meanwhile, as the user would see them. */
export async function errorsOf(use: () => Promise<void>): Promise<string[]> {
  const errors: string[] = [];
  const { error } = console;
  console.error = (...parts: unknown[]) => {
    errors.push(parts.join(" "));
  };
  try {
    await use();
  } finally {
    console.error = error;
  }
  return errors;
}
