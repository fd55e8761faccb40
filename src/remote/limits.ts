/** What one side of a connection accepts from the other; beyond it the connection ends. */
export interface ProtocolLimits {
  /** Bytes that may come before the preamble, from a login script for instance. */
  readonly banner: number;
  /** Bytes of one frame, after its length. */
  readonly frame: number;
  /** Levels of arrays and objects in a frame. */
  readonly depth: number;
  /** Elements of arrays and objects in a frame, at all levels together. */
  readonly elements: number;
  /** Bytes of one piece of a value; not more than either window. */
  readonly chunk: number;
  /** Requests that are not answered yet. */
  readonly requests: number;
  /** Bytes of all requests together that are not answered yet, without their values. */
  readonly requestBytes: number;
  /** Elements of all those requests together. */
  readonly requestElements: number;
  /** Bytes of items and chunks that may be on their way for one request before credit comes. */
  readonly window: number;
  /** The same for all requests together. */
  readonly connectionWindow: number;
  /** Bytes of one value. */
  readonly value: number;
  /** Values that one request names. */
  readonly references: number;
  /** Bytes of values that the answer to a load brings along unasked. */
  readonly inline: number;
  /** Bytes of values that a save sends along unasked. */
  readonly unasked: number;
  /** Requests that a server works on at a time; others wait for their turn. */
  readonly running: number;
  /** Bytes of values that a server has read as a whole and not sent yet; one may be longer. */
  readonly reading: number;
  /** Bytes of whole values that wait to be taken before the other side has to wait too. */
  readonly held: number;
  /** Arguments and notes that one query asks for. */
  readonly conditions: number;
}

/** The limits in force. */
export const PROTOCOL_LIMITS: ProtocolLimits = {
  banner: 64 << 10,
  frame: 16 << 20,
  depth: 512,
  elements: 1 << 20,
  chunk: 256 << 10,
  requests: 4096,
  requestBytes: 64 << 20,
  requestElements: 1 << 23,
  window: 4 << 20,
  connectionWindow: 8 << 20,
  value: 2 ** 33,
  references: 65_536,
  inline: 1 << 20,
  unasked: 64 << 10,
  running: 256,
  reading: 64 << 20,
  held: 16 << 20,
  conditions: 256,
};
