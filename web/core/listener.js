import { retryPause } from './backoff.js';
import { Observable } from './observable.js';
import { connectPeer, watchPeer } from './peer.js';
import { asProblem, Problem } from './problems.js';
import { judgeReception, readReception } from './quality.js';

/**
 * @typedef {import('./api.js').Api} Api
 * @typedef {import('./clock.js').Clock} Clock
 *
 * @typedef {object} ListenerState
 * @property {'idle'|'connecting'|'live'|'shaky'|'waiting'|'ended'} phase
 *   shaky: packets stopped, and may come back; waiting: between two attempts to reconnect
 * @property {MediaStreamTrack|null} track what is heard
 * @property {Problem|null} problem
 * @property {number|null} retryAt on the clock, while waiting
 * @property {import('./quality.js').Quality|null} quality
 */

/** A connection that was silent for this long is made anew rather than waited for. */
export const SHAKY_PATIENCE_MS = 3_000;
/** How often the browser's counters are read. */
export const QUALITY_INTERVAL_MS = 2_000;

/** One person's stream, heard here: connects, and comes back by itself as long as the stream lives.
 * @extends {Observable<ListenerState>} */
export class Listener extends Observable {
  #api;
  #createPeer;
  #clock;
  #random;
  /** The connection in use, or the question whether there is one to be had.
   * @type {{peer: RTCPeerConnection|null, peerId: string, unwatch: () => void}|null} */
  #leg = null;
  #attempt = 0;
  /** @type {any} the one timer: retry, patience or the next look at the quality */
  #timer = null;
  /** @type {import('./quality.js').ReceptionCounters|null} */
  #counters = null;

  /**
   * @param {object} given
   * @param {string} given.name whom to hear
   * @param {Api} given.api
   * @param {() => RTCPeerConnection} given.createPeer
   * @param {Clock} given.clock
   * @param {() => number} given.random
   */
  constructor({ name, api, createPeer, clock, random }) {
    super({ phase: 'idle', track: null, problem: null, retryAt: null, quality: null });
    this.name = name;
    this.#api = api;
    this.#createPeer = createPeer;
    this.#clock = clock;
    this.#random = random;
  }

  get active() {
    return !['idle', 'ended'].includes(this.value.phase);
  }

  async start() {
    if (this.active) return;
    this.#attempt = 0;
    await this.#connect();
  }

  stop() {
    this.#drop();
    this.update({ phase: 'idle', track: null, problem: null, retryAt: null, quality: null });
  }

  /** What the list of streams says; it may know of the end before the connection does. */
  streamIsGone() {
    if (this.active && this.value.phase !== 'connecting') this.#end();
  }

  async #connect() {
    this.#drop();
    this.update({ phase: 'connecting', retryAt: null, quality: null });
    const peer = this.#createPeer();
    const leg = { peer, peerId: '', unwatch: () => {} };
    this.#leg = leg;
    try {
      const { receiver } = peer.addTransceiver('audio', { direction: 'recvonly' });
      await connectPeer(peer, (sdp) => this.#exchange(leg, sdp), this.#clock);
      if (this.#leg !== leg) return;
      leg.unwatch = watchPeer(peer, {
        onShaky: () => this.#becomeShaky(),
        onBack: () => this.#becomeLive(this.value.track),
        onLost: () => void this.#return(),
      });
      if (this.#leg === leg) this.#becomeLive(receiver.track);
    } catch (error) {
      if (this.#leg === leg) this.#failed(asProblem(error));
    }
  }

  /** After a loss: back, if the stream still lives. Asking first spares a refusal at the end of every stream. */
  async #return() {
    this.#drop();
    const leg = (this.#leg = { peer: null, peerId: '', unwatch: () => {} });
    this.update({ phase: 'connecting', retryAt: null, quality: null });
    try {
      const { is_streaming: lives } = await this.#api.status(this.name);
      if (this.#leg !== leg) return;
      if (lives) await this.#connect();
      else this.#end();
    } catch (error) {
      if (this.#leg === leg) this.#failed(asProblem(error));
    }
  }

  /** @param {{peerId: string}} leg @param {string} sdp */
  async #exchange(leg, sdp) {
    const answer = await this.#api.listen(this.name, sdp);
    leg.peerId = answer.peer_id;
    // Stopped while the answer was on its way.
    if (this.#leg !== leg) void this.#api.hangUp(leg.peerId);
    return answer;
  }

  /** @param {MediaStreamTrack|null} track */
  #becomeLive(track) {
    this.#attempt = 0;
    this.#counters = null;
    this.update({ phase: 'live', track, problem: null });
    this.#setTimer(() => void this.#measure(), QUALITY_INTERVAL_MS);
  }

  #becomeShaky() {
    this.update({ phase: 'shaky', quality: null });
    this.#setTimer(() => void this.#return(), SHAKY_PATIENCE_MS);
  }

  /** @param {Problem} problem */
  #failed(problem) {
    if (problem.status === 409 || problem.status === 404) {
      this.#end();
      return;
    }
    this.#drop();
    const wait = retryPause(this.#attempt++, this.#random);
    this.update({ phase: 'waiting', problem, retryAt: this.#clock.now() + wait });
    this.#setTimer(() => void this.#return(), wait);
  }

  #end() {
    this.#drop();
    const problem = new Problem('not_streaming');
    this.update({ phase: 'ended', track: null, problem, retryAt: null, quality: null });
  }

  async #measure() {
    const leg = this.#leg;
    if (!leg?.peer) return;
    const counters = readReception(await leg.peer.getStats());
    if (this.#leg !== leg || this.value.phase !== 'live') return;
    if (this.#counters) this.update({ quality: judgeReception(counters, this.#counters) });
    this.#counters = counters;
    this.#setTimer(() => void this.#measure(), QUALITY_INTERVAL_MS);
  }

  #drop() {
    this.#clock.clearTimeout(this.#timer);
    const leg = this.#leg;
    this.#leg = null;
    if (!leg) return;
    leg.unwatch();
    leg.peer?.close();
    if (leg.peerId) void this.#api.hangUp(leg.peerId);
  }

  /** @param {() => void} callback @param {number} ms */
  #setTimer(callback, ms) {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(callback, ms);
  }
}
