/**
 * A value that can be watched: the one way in which `core/` tells `ui/` what happened.
 * Snapshots are frozen, so a view may keep one and compare it with the next.
 * @template T
 */
export class Observable {
  /** @type {Readonly<T>} */
  #value;
  /** @type {Set<(value: Readonly<T>, before: Readonly<T>) => void>} */
  #watchers = new Set();

  /** @param {T} value */
  constructor(value) {
    this.#value = Object.freeze(value);
  }

  get value() {
    return this.#value;
  }

  /**
   * Calls back at once and after every change, until the returned function is called.
   * @param {(value: Readonly<T>, before: Readonly<T>) => void} watcher
   */
  watch(watcher) {
    this.#watchers.add(watcher);
    watcher(this.#value, this.#value);
    return () => void this.#watchers.delete(watcher);
  }

  /**
   * @protected
   * @param {Partial<T>} change
   */
  update(change) {
    const before = this.#value;
    this.#value = Object.freeze({ ...before, ...change });
    for (const watcher of [...this.#watchers]) watcher(this.#value, before);
  }
}
