/** What one side of a connection accepts from the other; beyond it the connection ends. */
export interface ProtocolLimits {
  /** Bytes that may come before the preamble, from a login script for instance. */
  readonly banner: number;
  /** Bytes of one frame. */
  readonly frame: number;
  /** Bytes of one piece of a value. */
  readonly chunk: number;
  /** Requests that are not answered yet. */
  readonly requests: number;
  /** Bytes of one value. */
  readonly value: number;
  /** Bytes of values that a load or save sends along unasked. */
  readonly inline: number;
  /** Arguments and notes that one query asks for. */
  readonly conditions: number;
}

/** The limits in force. */
export const PROTOCOL_LIMITS: ProtocolLimits = {
  banner: 64 << 10,
  frame: 16 << 20,
  chunk: 256 << 10,
  requests: 4096,
  value: 2 ** 33,
  inline: 1 << 20,
  conditions: 256,
};
