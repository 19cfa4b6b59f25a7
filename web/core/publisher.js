import { retryPause } from './backoff.js';
import { pause } from './clock.js';
import { Observable } from './observable.js';
import { connectPeer, watchPeer } from './peer.js';
import { asProblem, microphoneProblem, Problem } from './problems.js';

/**
 * @typedef {import('./api.js').Api} Api
 * @typedef {import('./clock.js').Clock} Clock
 * @typedef {{denoise: boolean, attenuationLimitDb: number}} Settings
 *
 * @typedef {object} PublisherState
 * @property {'idle'|'asking'|'connecting'|'live'|'shaky'|'reconnecting'|'stopping'} phase
 *   asking: for the microphone; shaky: packets stopped, the same connection may come back;
 *   reconnecting: a new connection is being made for the same stream
 * @property {string} name
 * @property {Problem|null} problem why the last stream did not start, or ended
 * @property {number|null} startedAt on the clock, when the stream went live
 * @property {number|null} stoppedAt
 * @property {MediaStream|null} microphone
 * @property {{name: string, id: string}|null} recording of the stream that ended last
 */

/** The server ends a stream that has had no media for 20 s; past that there is nothing to come back to. */
export const GIVE_UP_AFTER_MS = 20_000;

const ACTIVE = new Set(['asking', 'connecting', 'live', 'shaky', 'reconnecting']);

/** One's own stream: microphone → server. @extends {Observable<PublisherState>} */
export class Publisher extends Observable {
  #api;
  #openMicrophone;
  #createPeer;
  #clock;
  #random;
  #beacon;
  /** What the stream now running owns; replaced by the next, so that a late answer finds nobody.
   * @type {{name: string, sessionId: string, microphone: MediaStream|null, peer: RTCPeerConnection|null,
   *   unwatch: () => void, settings: Settings}|null} */
  #run = null;

  /**
   * @param {object} given
   * @param {Api} given.api
   * @param {(wishes: {echoCancellation: boolean}) => Promise<MediaStream>} given.openMicrophone
   * @param {() => RTCPeerConnection} given.createPeer
   * @param {Clock} given.clock
   * @param {() => number} given.random
   * @param {(url: string, body: string) => void} given.beacon delivers even while the page goes away
   */
  constructor({ api, openMicrophone, createPeer, clock, random, beacon }) {
    super({
      phase: 'idle',
      name: '',
      problem: null,
      startedAt: null,
      stoppedAt: null,
      microphone: null,
      recording: null,
    });
    this.#api = api;
    this.#openMicrophone = openMicrophone;
    this.#createPeer = createPeer;
    this.#clock = clock;
    this.#random = random;
    this.#beacon = beacon;
  }

  /** Whether a person who leaves now would end a stream. */
  get active() {
    return ACTIVE.has(this.value.phase);
  }

  /** Seconds since the stream went live, at rest once it stopped. */
  get elapsed() {
    const { startedAt, stoppedAt } = this.value;
    return startedAt === null ? 0 : ((stoppedAt ?? this.#clock.now()) - startedAt) / 1000;
  }

  /** @param {{name: string, echoCancellation: boolean, takeover?: boolean} & Settings} wishes */
  async start({ name, denoise, attenuationLimitDb, echoCancellation, takeover = false }) {
    if (this.value.phase !== 'idle') return;
    const settings = { denoise, attenuationLimitDb };
    const run = { name, sessionId: '', microphone: null, peer: null, unwatch: () => {}, settings };
    this.#run = run;
    this.update({ phase: 'asking', name, problem: null, startedAt: null, stoppedAt: null });
    try {
      await this.#openMicrophoneFor(run, echoCancellation);
      if (this.#run !== run) return;
      this.update({ phase: 'connecting', microphone: run.microphone });
      const wanted = { ...settings };
      const started = await this.#startOnServer({ name, ...wanted, takeover });
      if (this.#run !== run) {
        this.#sendStop(started.session_id);
        return;
      }
      run.sessionId = started.session_id;
      if (run.settings !== settings) await this.#sendSettings(run);
      await this.#connect(run);
      if (this.#run !== run) return;
      this.update({ phase: 'live', startedAt: this.#clock.now() });
    } catch (error) {
      if (this.#run !== run) return;
      if (run.sessionId) this.#sendStop(run.sessionId);
      this.#finish(asProblem(error));
    }
  }

  /** Ends the stream; safe at any time. */
  async stop() {
    const run = this.#run;
    if (!run) return;
    if (!run.sessionId) {
      this.#finish(null);
      return;
    }
    this.update({ phase: 'stopping', stoppedAt: this.#clock.now() });
    // Silence at once, but the connection stays until the answer: a connection that closes ends the
    // stream, too, and it would be over before the server is asked for its recording.
    run.unwatch();
    this.#silence(run);
    try {
      const { recording_id: id } = await this.#api.stop(run.sessionId);
      this.#finish(null, id);
    } catch (error) {
      const problem = asProblem(error);
      // 409: it had ended already, which is what was wanted.
      this.#finish(problem.status === 409 ? null : problem);
    }
  }

  /** The page goes away: what can still be said is said without waiting for an answer. */
  abandon() {
    const run = this.#run;
    if (!run) return;
    if (run.sessionId && this.value.phase !== 'stopping') this.#sendStop(run.sessionId);
    this.#finish(null);
  }

  /**
   * Denoise switch and strength; also while live.
   * @param {Settings} settings
   */
  async change(settings) {
    const run = this.#run;
    if (!run) return;
    run.settings = settings;
    if (run.sessionId) await this.#sendSettings(run);
  }

  /** @param {any} run @param {boolean} echoCancellation */
  async #openMicrophoneFor(run, echoCancellation) {
    let microphone;
    try {
      microphone = await this.#openMicrophone({ echoCancellation });
    } catch (error) {
      throw microphoneProblem(error);
    }
    run.microphone = microphone;
    if (this.#run !== run) {
      this.#release(run);
      return;
    }
    microphone.getAudioTracks()[0].addEventListener('ended', () => {
      if (this.#run === run) this.#endOnOurSide(run, new Problem('microphone_lost'));
    });
  }

  /** @param {any} wishes */
  async #startOnServer(wishes) {
    try {
      return await this.#api.start(wishes);
    } catch (error) {
      const problem = asProblem(error);
      throw problem.status === 409 ? new Problem('already_streaming', problem) : problem;
    }
  }

  /** @param {any} run */
  async #connect(run) {
    run.unwatch();
    run.peer?.close();
    const peer = this.#createPeer();
    run.peer = peer;
    const [track] = run.microphone.getAudioTracks();
    peer.addTransceiver(track, { direction: 'sendonly', streams: [run.microphone] });
    await connectPeer(peer, (sdp) => this.#api.offer(run.sessionId, sdp), this.#clock);
    if (this.#run !== run) {
      peer.close();
      return;
    }
    run.unwatch = watchPeer(peer, {
      onShaky: () => this.update({ phase: 'shaky' }),
      onBack: () => this.update({ phase: 'live' }),
      onLost: () => void this.#reconnect(run),
    });
  }

  /** @param {any} run */
  async #reconnect(run) {
    if (this.#run !== run || !this.active) return;
    this.update({ phase: 'reconnecting' });
    const lostAt = this.#clock.now();
    for (let attempt = 0; this.#clock.now() - lostAt < GIVE_UP_AFTER_MS; attempt++) {
      try {
        if (!(await this.#isStillOurs(run))) return;
        await this.#connect(run);
        if (this.#run === run) this.update({ phase: 'live' });
        return;
      } catch (error) {
        if (this.#run !== run) return;
        if (asProblem(error).status === 404) break;
      }
      await pause(this.#clock, retryPause(attempt, this.#random));
      if (this.#run !== run || !this.active) return;
    }
    this.#endOnOurSide(run, new Problem('stream_lost'));
  }

  /**
   * Whether the server still holds this stream. Names are shared between devices, so a stream that
   * goes on without us was taken over.
   * @param {any} run
   */
  async #isStillOurs(run) {
    try {
      await this.#api.settings(run.sessionId, run.settings);
      return this.#run === run;
    } catch (error) {
      if (this.#run !== run) return false;
      if (asProblem(error).status !== 404) throw error;
    }
    const status = await this.#api.status(run.name).catch(() => null);
    if (this.#run === run) this.#finish(new Problem(status?.is_streaming ? 'taken_over' : 'stream_lost'));
    return false;
  }

  /** @param {any} run */
  async #sendSettings(run) {
    try {
      await this.#api.settings(run.sessionId, run.settings);
    } catch (error) {
      if (this.#run === run) this.update({ problem: asProblem(error) });
    }
  }

  /** @param {any} run @param {Problem} problem */
  #endOnOurSide(run, problem) {
    this.#sendStop(run.sessionId);
    this.#finish(problem);
  }

  /** @param {string} sessionId */
  #sendStop(sessionId) {
    if (sessionId) this.#beacon('/api/stream/stop/', JSON.stringify({ session_id: sessionId }));
  }

  /** @param {any} run */
  #release(run) {
    run.unwatch();
    run.peer?.close();
    this.#silence(run);
  }

  /** @param {any} run */
  #silence(run) {
    for (const track of run.microphone?.getTracks() ?? []) track.stop();
  }

  /** @param {Problem|null} problem @param {string} [recordingId] */
  #finish(problem, recordingId) {
    const run = this.#run;
    if (!run) return;
    this.#run = null;
    this.#release(run);
    const { startedAt, stoppedAt, recording } = this.value;
    this.update({
      phase: 'idle',
      problem,
      microphone: null,
      stoppedAt: startedAt === null ? null : (stoppedAt ?? this.#clock.now()),
      recording: recordingId ? { name: run.name, id: recordingId } : recording,
    });
  }
}
