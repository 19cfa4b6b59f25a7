import { retryPause } from './backoff.js';
import { Observable } from './observable.js';

/**
 * @typedef {import('./api.js').Api} Api
 * @typedef {import('./api.js').StreamStatus} StreamStatus
 * @typedef {import('./clock.js').Clock} Clock
 *
 * @typedef {object} DirectoryState
 * @property {'loading'|'online'|'offline'} phase
 * @property {readonly StreamStatus[]} streams who is live, by name
 */

/** A change must show within a second. */
export const VISIBLE_INTERVAL_MS = 1_000;
/** Enough for a page that nobody looks at. */
export const HIDDEN_INTERVAL_MS = 10_000;

/** Who is live. @extends {Observable<DirectoryState>} */
export class Directory extends Observable {
  #api;
  #clock;
  #random;
  #visible = true;
  #failures = 0;
  /** @type {any} */
  #timer = null;

  /** @param {{api: Api, clock: Clock, random: () => number}} given */
  constructor({ api, clock, random }) {
    super({ phase: 'loading', streams: [] });
    this.#api = api;
    this.#clock = clock;
    this.#random = random;
  }

  /** Asks at once, then again and again. */
  async refresh() {
    this.#clock.clearTimeout(this.#timer);
    const timer = (this.#timer = {});
    try {
      const streams = await this.#api.streams();
      this.#failures = 0;
      streams.sort((a, b) => a.name.localeCompare(b.name));
      this.update({ phase: 'online', streams });
    } catch {
      this.#failures++;
      // The list stays as it was: a server that restarts is back before it is out of date. One
      // failure is not told, as a request may die with the connection it went by.
      if (this.#failures > 1) this.update({ phase: 'offline' });
    }
    if (this.#timer !== timer) return;  // asked anew meanwhile
    this.#timer = this.#clock.setTimeout(() => void this.refresh(), this.#interval());
  }

  /** @param {boolean} visible whether the page can be seen */
  setVisible(visible) {
    if (visible === this.#visible) return;
    this.#visible = visible;
    void this.refresh();
  }

  #interval() {
    if (this.#failures > 1) return retryPause(this.#failures, this.#random);
    return this.#visible ? VISIBLE_INTERVAL_MS : HIDDEN_INTERVAL_MS;
  }
}
