import { formatDuration, plural } from '../core/format.js';
import { Listener } from '../core/listener.js';
import { byId, h, setText } from './dom.js';
import { LevelTap, Meter } from './meter.js';

/**
 * @typedef {import('../core/api.js').StreamStatus} StreamStatus
 * @typedef {import('../core/directory.js').Directory} Directory
 * @typedef {import('../core/directory.js').DirectoryState} DirectoryState
 */

/** How long the card of a stream that was heard stays and says that it ended. */
const FAREWELL_MS = 8_000;

/** Who is live, and the sound of those whom one listens to. */
export class People {
  /** @type {Map<string, Card>} */
  #cards = new Map();
  #list = byId('people');
  #empty = byId('people-empty');
  #makeListener;
  #ownName;
  #onRecordings;

  /**
   * @param {object} given
   * @param {Directory} given.directory
   * @param {(name: string) => Listener} given.makeListener
   * @param {() => string} given.ownName of one's own running stream
   * @param {(name: string) => void} given.onRecordings
   */
  constructor({ directory, makeListener, ownName, onRecordings }) {
    this.#makeListener = makeListener;
    this.#ownName = ownName;
    this.#onRecordings = onRecordings;
    directory.watch((state) => this.#show(state));
    setInterval(() => this.#tick(), 100);
  }

  /** Leaves every stream, as the page goes away. */
  stopAll() {
    for (const card of this.#cards.values()) card.listener.stop();
  }

  /** @param {DirectoryState} state */
  #show({ phase, streams }) {
    const live = new Map(streams.map((status) => [status.name, status]));
    for (const [name, card] of this.#cards) {
      if (live.has(name)) continue;
      card.listener.streamIsGone();
      if (!card.leaving) this.#retire(name, card);
    }
    for (const [name, status] of live) {
      let card = this.#cards.get(name);
      if (!card || card.leaving) {
        card?.remove();
        card = new Card(this.#makeListener(name), () => this.#onRecordings(name));
        this.#cards.set(name, card);
        this.#place(card);
      }
      card.show(status, name === this.#ownName());
    }
    setText(byId('people-count'), streams.length ? String(streams.length) : '');
    this.#showEmpty(phase);
  }

  /** @param {Card} card */
  #place(card) {
    const after = [...this.#cards.values()].find(
      (other) => other !== card && other.element.isConnected && other.name.localeCompare(card.name) > 0,
    );
    this.#list.insertBefore(card.element, after?.element ?? null);
  }

  /** @param {string} name @param {Card} card */
  #retire(name, card) {
    card.leave();
    const remove = () => {
      if (this.#cards.get(name) !== card) return;
      this.#cards.delete(name);
      card.remove();
      this.#showEmpty('online');
    };
    // Who listened is told; for anybody else the card just goes.
    if (card.listener.value.phase === 'ended') setTimeout(remove, FAREWELL_MS);
    else remove();
  }

  /** @param {DirectoryState['phase']} phase */
  #showEmpty(phase) {
    this.#empty.hidden = this.#cards.size > 0;
    if (phase === 'online') {
      setText(this.#empty, 'It is quiet. Who starts a stream appears here within a second, ready to be heard.');
    }
  }

  #tick() {
    const now = performance.now();
    for (const card of this.#cards.values()) card.tick(now);
  }
}

/** One person who is live. */
class Card {
  leaving = false;
  #audio = h('audio', {});
  #heading;
  #about = h('p', { class: 'card__about' });
  #state = h('p', { class: 'card__state', role: 'status' });
  #listen;
  #resume = h('button', { class: 'button button--start', type: 'button', hidden: true }, 'Tap to hear');
  #sound;
  #meter;
  /** @type {LevelTap|null} */
  #tap = null;
  #unwatch;

  /** @param {Listener} listener @param {() => void} onRecordings */
  constructor(listener, onRecordings) {
    this.listener = listener;
    this.name = listener.name;
    this.#heading = h('h3', { class: 'card__name' }, this.name);
    this.#listen = h('button', { class: 'button button--listen', type: 'button', click: () => this.#toggle() });
    this.#resume.addEventListener('click', () => this.#play());
    const volume = h('input', {
      type: 'range', min: 0, max: 1, step: 0.02, value: 1, 'aria-label': `Volume of ${this.name}`,
      input: () => { this.#audio.volume = Number(volume.value); },
    });
    const meter = h('span', {
      class: 'meter', role: 'meter', 'aria-label': `Level of ${this.name}`, 'aria-valuemin': -60, 'aria-valuemax': 0,
    });
    this.#meter = new Meter(meter);
    this.#sound = h('div', { class: 'card__sound', hidden: true }, meter,
      h('label', { class: 'card__volume' }, h('span', {}, 'Volume'), volume));
    this.element = h('li', { class: 'card', 'data-name': this.name },
      h('div', { class: 'card__head' },
        h('span', { class: 'initial', 'aria-hidden': 'true' }, this.name[0].toUpperCase()),
        h('div', {}, this.#heading, this.#about),
        h('span', { class: 'live-badge' }, 'LIVE')),
      this.#sound, this.#state,
      h('div', { class: 'card__buttons' }, this.#listen, this.#resume,
        h('button', { class: 'button button--quiet', type: 'button', click: onRecordings,
          'aria-label': `Recordings of ${this.name}` }, 'Recordings')));
    this.#unwatch = listener.watch((state, before) => this.#showListener(state, before));
  }

  /** @param {StreamStatus} status @param {boolean} own */
  show(status, own) {
    const parts = [formatDuration(status.elapsed), plural(status.listeners, 'listener')];
    if (!status.denoise) parts.push('unfiltered');
    if (status.state === 'starting') parts[0] = 'just starting';
    if (status.state === 'unstable') parts.push('unstable connection');
    setText(this.#about, parts.join(' · '));
    setText(this.#heading, own ? `${this.name} (you)` : this.name);
    this.element.classList.toggle('card--own', own);
  }

  leave() {
    this.leaving = true;
    this.element.classList.add('card--ended');
    this.#listen.hidden = true;
  }

  remove() {
    this.#unwatch();
    this.listener.stop();
    this.#hear(null);
    this.element.remove();
  }

  /** @param {number} now */
  tick(now) {
    if (this.#tap) this.#meter.show(this.#tap.read(), now);
    const { phase, retryAt } = this.listener.value;
    if (phase === 'waiting' && retryAt !== null) {
      const seconds = Math.max(1, Math.ceil((retryAt - now) / 1000));
      setText(this.#state, `Connection lost. Next attempt in ${seconds} s …`);
    }
  }

  #toggle() {
    if (this.listener.active) this.listener.stop();
    else void this.listener.start();
  }

  /**
   * @param {import('../core/listener.js').ListenerState} state
   * @param {import('../core/listener.js').ListenerState} before
   */
  #showListener(state, before) {
    const { phase, track, quality } = state;
    const active = this.listener.active;
    this.element.dataset.phase = phase;
    setText(this.#listen, active ? 'Stop Listening' : 'Start Listening');
    this.#listen.setAttribute('aria-label', `${active ? 'Stop' : 'Start'} Listening to ${this.name}`);
    this.#listen.classList.toggle('button--stop', active);
    this.#sound.hidden = !track;
    if (track !== before.track) this.#hear(track);
    if (phase !== 'waiting') {
      const texts = {
        idle: '',
        connecting: before.track ? 'Reconnecting …' : 'Connecting …',
        live: quality ? `Connection: ${quality.word.toLowerCase()}` : 'Connected',
        shaky: 'The connection is shaky …',
        ended: `${this.name} stopped streaming.`,
      };
      setText(this.#state, texts[phase]);
    }
  }

  /** @param {MediaStreamTrack|null} track */
  #hear(track) {
    this.#tap?.close();
    this.#tap = null;
    this.#resume.hidden = true;
    if (!track) {
      this.#audio.srcObject = null;
      return;
    }
    const stream = new MediaStream([track]);
    this.#audio.srcObject = stream;
    this.#tap = new LevelTap(stream);
    void this.#play();
  }

  async #play() {
    try {
      await this.#audio.play();
      this.#resume.hidden = true;
    } catch (error) {
      // NotAllowedError: the browser wants a gesture first. Anything else was overtaken by a stop.
      this.#resume.hidden = /** @type {any} */ (error)?.name !== 'NotAllowedError';
    }
  }
}
