/**
 * Whether the cache of a configuration keeps calls in the database of a server: `url` is not that of
 * a file.
 */
export function needsNetwork(config: unknown): boolean {
  if (Array.isArray(config)) return config.some(needsNetwork);
  if (typeof config !== "object" || config === null) return false;
  return Object.entries(config).some(([key, value]) =>
    key === "url" && typeof value === "string"
      ? /^(?!sqlite:)[a-z][\w+.-]*:\/\//i.test(value)
      : needsNetwork(value)
  );
}
