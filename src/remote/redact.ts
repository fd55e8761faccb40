/** What stands for a secret. */
const REDACTED = "<redacted>";

/** A configuration without its secrets: keys for signing, and passwords in addresses. */
export function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value === "string") return redactAddress(value);
  // The tables of a TOML parser have no prototype.
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      /secret|password|token/i.test(key) || key === "env" ? REDACTED : redact(each),
    ]),
  );
}

// postgresql://user:password@host/db
function redactAddress(text: string): string {
  return text
    .replace(/^([\w+.-]+:\/\/[^/@:]*):.*@/s, `$1:${REDACTED}@`)
    .replace(/([?&][^=&]*(?:secret|password|token)[^=&]*=)[^&]*/gi, `$1${REDACTED}`);
}
