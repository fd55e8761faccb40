/**
 * Whether the cache of a configuration keeps calls in the database of a server: `url` is not that of
 * a file.
 */
export function needsNetwork(config: unknown): boolean {
  const isServer = /^(?!sqlite:)[a-z][\w+.-]*:\/\//i;
  return someEntry(config, (key, value) => key === "url" && isServer.test(value));
}

/** Whether the cache of a configuration is reached by a program: by ssh. */
export function needsPrograms(config: unknown): boolean {
  return someEntry(config, (key, value) => key === "type" && value === "ssh");
}

function someEntry(config: unknown, holds: (key: string, value: string) => boolean): boolean {
  if (Array.isArray(config)) return config.some((each) => someEntry(each, holds));
  if (typeof config !== "object" || config === null) return false;
  return Object.entries(config).some(([key, value]) =>
    typeof value === "string" ? holds(key, value) : someEntry(value, holds)
  );
}
