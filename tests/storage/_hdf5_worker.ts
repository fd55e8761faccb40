/**
 * A worker that reads a value from HDF5 files and answers with its encoding.
 *
 * @module
 */

import { ValueHdf5 } from "@fleche/core";

interface WorkerScope {
  onmessage: (event: MessageEvent<{ root: string; digest: string }>) => void;
  postMessage(message: unknown): void;
}

function isWorker(scope: object): scope is WorkerScope {
  return "postMessage" in scope;
}

const scope: object = globalThis;
if (isWorker(scope)) {
  scope.onmessage = async ({ data: { root, digest } }) => {
    const found = await new ValueHdf5({ root }).get(digest);
    scope.postMessage(Uint8Array.from(found?.head ?? []));
  };
}
