/** Version of the schema. */
export const SCHEMA_VERSION = 3;

/** How a database writes what the schema is made of. */
export interface SchemaDialect {
  /** The type of a number that counts up by itself, primary key included. */
  readonly id: string;
  /** The type of a number that refers to one of those, and of times in milliseconds. */
  readonly integer: string;
  /** The type of 64 hexadecimal digits, compared byte by byte. */
  readonly digest: string;
  /** The type of texts that are searched for, compared byte by byte. */
  readonly name: string;
  /** The type of texts of any length. */
  readonly text: string;
  /** The type of bytes. */
  readonly bytes: string;
  /** What follows a table, and one without numbers of its own. */
  readonly table: string;
  /** What follows a table whose rows are kept in the order of its primary key. */
  readonly ordered: string;
  /** Whether indexes are part of a table. */
  readonly inlineIndexes: boolean;
}

/** A table with its columns and indexes. */
interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  readonly indexes: Readonly<Record<string, string>>;
  readonly suffix: string;
}

/** Indexes of the arguments, by their names. */
export const ARGUMENT_INDEXES = {
  arguments_by_digest: 'digest, call_name, name, "call"',
} as const;

/** Indexes of the calls, by their names. */
export const CALL_INDEXES = {
  calls_by_name: "name",
  calls_by_result: "result, name",
} as const;

/**
 * The statements that make the tables.
 *
 * A record holds all there is to know of a call; the other columns are there to search by, and to
 * read. Versions and metadata are JSON; filed is in milliseconds since 1970. A value has a text where
 * the record embeds it, and null where it only refers to it. The function's name is repeated with
 * each argument, so that one index leads to the calls of a function with an argument, newest first.
 */
export function schemaStatements(dialect: SchemaDialect): string[] {
  const { id, integer, digest, name, text, bytes } = dialect;
  const tables: Table[] = [
    {
      name: "calls",
      columns: [
        `id ${id}`,
        `"key" ${digest} NOT NULL UNIQUE`,
        `name ${name} NOT NULL`,
        `module ${name}`,
        `version ${name}`,
        `code ${name}`,
        `deps ${name}`,
        `source ${name}`,
        `result ${digest} NOT NULL`,
        `result_text ${text}`,
        `metadata ${text} NOT NULL`,
        `record ${bytes} NOT NULL`,
        `filed ${integer} NOT NULL DEFAULT 0`,
      ],
      indexes: CALL_INDEXES,
      suffix: dialect.table,
    },
    {
      name: "arguments",
      columns: [
        `"call" ${integer} NOT NULL`,
        `position ${integer} NOT NULL`,
        `call_name ${name} NOT NULL`,
        `name ${name} NOT NULL`,
        `digest ${digest} NOT NULL`,
        `text ${text}`,
        `PRIMARY KEY ("call", position)`,
        // Of a call that two replace at once, whichever arguments there are go with it.
        'FOREIGN KEY ("call") REFERENCES calls (id) ON DELETE CASCADE',
      ],
      indexes: ARGUMENT_INDEXES,
      suffix: dialect.ordered,
    },
  ];
  return [
    ...tables.flatMap((table) => tableStatements(table, dialect)),
    ...identityStatements(dialect),
  ];
}

/** The statements that make the table of the database's number, which has one row at the most. */
export function identityStatements(dialect: SchemaDialect): string[] {
  const { integer, digest, table: suffix } = dialect;
  const columns = [`one ${integer} NOT NULL PRIMARY KEY`, `id ${digest} NOT NULL`];
  return tableStatements({ name: "fleche_identity", columns, indexes: {}, suffix }, dialect);
}

/**
 * The statement that makes the table of records that were put aside. They stay there until somebody
 * removes them, or all of the table.
 */
export function quarantineStatement(dialect: SchemaDialect): string {
  const columns = [
    `"key" ${dialect.digest} NOT NULL`,
    `found ${dialect.integer} NOT NULL`,
    `record ${dialect.bytes} NOT NULL`,
  ];
  return `CREATE TABLE IF NOT EXISTS quarantined_calls (${columns.join(", ")}) ${dialect.table}`;
}

function tableStatements(
  { name, columns, indexes, suffix }: Table,
  { inlineIndexes }: SchemaDialect,
): string[] {
  const list = Object.entries(indexes);
  const inline = inlineIndexes ? list.map(([index, keys]) => `INDEX ${index} (${keys})`) : [];
  return [
    `CREATE TABLE IF NOT EXISTS ${name} (${[...columns, ...inline].join(", ")}) ${suffix}`,
    ...inlineIndexes ? [] : list.map(([index, keys]) => createIndex(name, index, keys)),
  ];
}

/** The statement that makes an index. */
export function createIndex(table: string, index: string, keys: string): string {
  return `CREATE INDEX IF NOT EXISTS ${index} ON ${table} (${keys})`;
}
