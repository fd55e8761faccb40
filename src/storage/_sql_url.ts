import { ConfigError } from "../errors.ts";
import { expandPath } from "../paths.ts";
import { IN_MEMORY } from "./_sqlite_file.ts";

/**
 * The SQLite database that a URL names, as SQLAlchemy writes them: `sqlite:///relative/path`,
 * `sqlite:////absolute/path`, `sqlite:///~/in/home`, `sqlite://` for one in memory. A bare path
 * means SQLite too.
 *
 * @returns an absolute path, or `:memory:`
 * @throws {ConfigError} If the URL names another kind of database.
 */
export function databasePath(url: string): string {
  const [, scheme, rest] = /^([A-Za-z][\w+.-]*):\/\/(.*)$/s.exec(url) ?? [];
  if (scheme === undefined || rest === undefined) return plainPath(url);
  if (scheme !== "sqlite") {
    throw new ConfigError(
      `Cannot use a database of type "${scheme}" for calls: this version knows sqlite only`,
    );
  }
  if (rest === "" || rest === "/") return IN_MEMORY;
  if (!rest.startsWith("/")) {
    throw new ConfigError(
      `Cannot use "${url}" as a database: write sqlite:///relative/path or sqlite:////absolute/path`,
    );
  }
  return plainPath(rest.slice(1));
}

function plainPath(path: string): string {
  return path === "" || path === IN_MEMORY ? IN_MEMORY : expandPath(path);
}
