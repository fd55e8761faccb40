/** Text of which a value consists that is to be found on its way. */
export const MARKER = "what passes on this link";

/** A value that consists of markers. */
export const MARKED: string = MARKER.repeat(10_000);
