/** What V8 tells of a function that is running (https://v8.dev/docs/stack-trace-api). */
export interface CallSite {
  /** Its file, as a path or URL. */
  getFileName(): string | null;
  /** The line that it is at. */
  getLineNumber(): number | null;
  /** Whether it waits for the one above it. */
  isAsync(): boolean;
}

/**
 * The functions that are running, innermost first.
 *
 * @param callee the function whose callers are meant
 * @param limit how many at most
 */
export function callSites(callee: (...args: never[]) => unknown, limit: number): CallSite[] {
  type StackError = typeof Error & {
    prepareStackTrace?: unknown;
    captureStackTrace(target: object, callee: unknown): void;
  };
  const errors = Error as StackError;
  const { prepareStackTrace, stackTraceLimit } = errors;
  let found: CallSite[] = [];
  try {
    errors.stackTraceLimit = limit;
    errors.prepareStackTrace = (_: unknown, sites: CallSite[]) => {
      found = sites;
      return "";
    };
    const trace: { stack?: unknown } = {};
    errors.captureStackTrace(trace, callee);
    void trace.stack;
  } finally {
    errors.prepareStackTrace = prepareStackTrace;
    errors.stackTraceLimit = stackTraceLimit;
  }
  return found;
}

/** Whether a file belongs to the runtime itself. */
export function isRuntimeFile(file: string): boolean {
  return /^(ext|node|native):/.test(file);
}

/** The folder that this library stands in: its own functions are no callers. */
const LIBRARY = new URL("..", import.meta.url).href;

/** Whether a file belongs to this library. */
export function isLibraryFile(file: string): boolean {
  return (file.startsWith("/") ? `file://${file}` : file).startsWith(LIBRARY);
}
