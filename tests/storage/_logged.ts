import { configure, type LogRecord, reset } from "@logtape/logtape";

/** What a storage logs of its statements while something is done. */
export async function logged(work: () => Promise<void>): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  await configure({
    sinks: { list: (record) => void records.push(record) },
    loggers: [
      { category: ["fleche", "storage", "sql"], sinks: ["list"], lowestLevel: "debug" },
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "error" },
    ],
  });
  try {
    await work();
  } finally {
    await reset();
  }
  return records;
}
