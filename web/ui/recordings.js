import { retryPause } from '../core/backoff.js';
import { formatDuration, formatSize, speakDuration } from '../core/format.js';
import { nameProblem } from '../core/names.js';
import { byId, h, setText } from './dom.js';

/**
 * @typedef {import('../core/api.js').Api} Api
 * @typedef {import('../core/api.js').Recording} Recording
 */

/** How often a recording that must come is asked for: the disk may be a moment behind. */
const TRIES = 6;

const dateFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** The recordings of one person. */
export class Recordings {
  #api;
  #list = byId('recordings');
  #empty = byId('recordings-empty');
  #input = byId('lookup-name');
  #name = '';
  #shown = '';

  /** @param {{api: Api}} given */
  constructor({ api }) {
    this.#api = api;
    byId('lookup').addEventListener('submit', (/** @type {Event} */ event) => {
      event.preventDefault();
      const name = this.#input.value.trim();
      if (nameProblem(name)) this.#say(name ? nameProblem(name) : 'Type a name to see its recordings.');
      else void this.open(name);
    });
    this.#say('Streams are saved here when they end. Choose your name above, or look somebody up.');
  }

  get name() {
    return this.#name;
  }

  /** Shows the recordings of `name`. @param {string} name */
  async open(name) {
    if (name !== this.#name) {
      this.#name = name;
      this.#fill([]);
      this.#say('Loading …');
    }
    this.#input.value = name;
    await this.refresh();
  }

  /** Brings the person who asked for them to the recordings. @param {string} name */
  async visit(name) {
    await this.open(name);
    const title = byId('recordings-title');
    title.scrollIntoView({ block: 'nearest' });
    title.focus({ preventScroll: true });
  }

  /**
   * Asks again, until `expectedId` is there if one is given.
   * @param {string} [expectedId]
   */
  async refresh(expectedId) {
    const name = this.#name;
    if (!name) return;
    for (let attempt = 0; attempt < TRIES && name === this.#name; attempt++) {
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, retryPause(attempt - 1, Math.random)));
      /** @type {Recording[]} */
      let recordings;
      try {
        recordings = await this.#api.recordings(name);
      } catch (error) {
        const problem = /** @type {import('../core/problems.js').Problem} */ (error);
        if (problem.status !== 404) {
          if (name === this.#name && !this.#shown) this.#say(problem.message);
          continue;
        }
        recordings = [];
      }
      if (name !== this.#name) return;
      this.#fill(recordings);
      if (recordings.length === 0) this.#say(`No recordings of ${name} yet. Every stream is saved here when it ends.`);
      if (!expectedId || recordings.some(({ id }) => id === expectedId)) return;
    }
  }

  /** @param {string[]} names to offer while somebody types */
  offerNames(names) {
    const known = byId('known-names');
    const wanted = names.join('\n');
    if (known.dataset.names === wanted) return;
    known.dataset.names = wanted;
    known.replaceChildren(...names.map((name) => h('option', { value: name })));
  }

  /** @param {string} text */
  #say(text) {
    this.#empty.hidden = !text;
    setText(this.#empty, text);
  }

  /** @param {Recording[]} recordings */
  #fill(recordings) {
    if (recordings.length > 0) this.#say('');
    const wanted = recordings.map(keyOf).join('\n');
    if (wanted === this.#shown) return;
    this.#shown = wanted;
    // Rows that stay are not touched: one of them may be playing, and would fall silent.
    const kept = new Map([...this.#list.children].map((element) => [element.dataset.key, element]));
    const rows = recordings.map((recording) => kept.get(keyOf(recording)) ?? row(recording));
    for (const element of kept.values()) if (!rows.includes(element)) element.remove();
    rows.forEach((element, index) => {
      const there = this.#list.children[index] ?? null;
      if (there !== element) this.#list.insertBefore(element, there);
    });
  }
}

/** What makes a row another one: a recording that still grows changes its duration. @param {Recording} recording */
const keyOf = ({ id, duration }) => `${id} ${duration}`;

/** @param {Recording} recording */
function row(recording) {
  const { id, title, duration, created_at: createdAt, denoise, url, size_bytes: size } = recording;
  const titleId = `recording-${id}`;
  return h('li', { class: 'recording', 'data-key': keyOf(recording), 'data-id': id },
    h('div', { class: 'recording__about' },
      h('h3', { id: titleId }, title),
      h('p', {},
        h('span', { class: 'recording__length', 'aria-label': speakDuration(duration) }, formatDuration(duration)),
        h('time', { datetime: createdAt }, dateFormat.format(new Date(createdAt))),
        h('span', { class: denoise ? 'tag tag--clean' : 'tag' }, denoise ? 'denoised' : 'unfiltered'))),
    h('audio', { controls: true, preload: 'none', src: url, 'aria-labelledby': titleId }),
    h('a', { class: 'button button--quiet', href: url, download: `${title}.wav` },
      'Download', h('small', {}, ` WAV, ${formatSize(size)}`)));
}
