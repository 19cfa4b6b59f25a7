/**
 * Time as a parameter, so that tests run in virtual time.
 * @typedef {object} Clock
 * @property {() => number} now milliseconds that never jump (not the time of day)
 * @property {(callback: () => void, ms: number) => any} setTimeout
 * @property {(handle: any) => void} clearTimeout
 */

/** @type {Clock} */
export const systemClock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (handle) => clearTimeout(handle),
};

/**
 * @param {Clock} clock
 * @param {number} ms
 * @returns {Promise<void>}
 */
export const pause = (clock, ms) => new Promise((resolve) => clock.setTimeout(resolve, ms));
