/** The first retry comes almost at once: most losses are a phone that changed networks. */
export const FIRST_PAUSE_MS = 500;
/** Nobody wants to wait longer than this for a server that came back. */
export const LONGEST_PAUSE_MS = 15_000;

/**
 * Growing pauses between attempts. Each is drawn between half and all of its length, so that a room
 * full of listeners does not come back in the same instant.
 * @param {number} attempt counted from 0
 * @param {() => number} random in [0, 1)
 * @returns {number} milliseconds
 */
export function retryPause(attempt, random) {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  return longest * (0.5 + 0.5 * random());
}
