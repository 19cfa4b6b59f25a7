import { formatDuration, plural, speakDuration } from '../core/format.js';
import { nameProblem } from '../core/names.js';
import { judgeQuality } from '../core/quality.js';
import { byId, setText } from './dom.js';
import { LevelTap, Meter } from './meter.js';
import { Ribbon } from './ribbon.js';

/**
 * @typedef {import('../core/api.js').Api} Api
 * @typedef {import('../core/api.js').StreamStatus} StreamStatus
 * @typedef {import('../core/publisher.js').Publisher} Publisher
 * @typedef {import('../core/publisher.js').PublisherState} PublisherState
 */

/** What the strength slider means. 100 dB is more than any noise has. */
const STRENGTHS = [
  { db: 6, text: 'a hint (6 dB)' },
  { db: 12, text: 'gentle (12 dB)' },
  { db: 18, text: 'medium (18 dB)' },
  { db: 24, text: 'strong (24 dB)' },
  { db: 36, text: 'very strong (36 dB)' },
  { db: 100, text: 'everything' },
];
const NAME_KEY = 'hushcast.name';
/** How often the server is asked for the level that friends hear, while live. */
const STATUS_INTERVAL_MS = 500;

const STATUS_TEXTS = {
  idle: 'Nobody hears you until you press the button.',
  asking: 'Waiting for the microphone. The browser may ask you to allow it.',
  connecting: 'Connecting …',
  live: 'You are live.',
  shaky: 'The connection is shaky. Your friends may hear gaps.',
  reconnecting: 'The connection was lost. Reconnecting …',
  stopping: 'Stopping, and saving the recording …',
};

/** The panel of one's own stream. */
export class Studio {
  #publisher;
  #api;
  #name = byId('name');
  #denoise = byId('denoise');
  #strength = byId('strength');
  #echo = byId('echo');
  #start = byId('start');
  #stop = byId('stop');
  #takeover = byId('takeover');
  #meterIn = new Meter(byId('meter-in'));
  #meterOut = new Meter(byId('meter-out'));
  #ribbon = new Ribbon(byId('ribbon'));
  /** @type {LevelTap|null} */
  #tap = null;
  /** @type {StreamStatus|null} */
  #status = null;
  #onName;

  /**
   * @param {{publisher: Publisher, api: Api, onName: (name: string) => void}} given
   *   onName: a good name was settled on
   */
  constructor({ publisher, api, onName }) {
    this.#publisher = publisher;
    this.#api = api;
    this.#onName = onName;
    this.#name.value = localStorage.getItem(NAME_KEY) ?? '';
    this.#name.addEventListener('input', () => this.#showNameProblem(''));
    this.#name.addEventListener('change', () => this.#keepName());
    byId('studio-form').addEventListener('submit', (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#begin(false);
    });
    this.#takeover.addEventListener('click', () => this.#begin(true));
    this.#stop.addEventListener('click', () => void publisher.stop());
    for (const input of [this.#denoise, this.#strength]) {
      input.addEventListener('input', () => this.#settingsChanged());
    }
    this.#settingsChanged();
    publisher.watch((state, before) => this.#show(state, before));
    setInterval(() => this.#tick(), 100);
  }

  /** The name as it stands, when it is good. */
  get name() {
    const name = this.#name.value.trim();
    return nameProblem(name) ? '' : name;
  }

  get #settings() {
    return { denoise: this.#denoise.checked, attenuationLimitDb: STRENGTHS[this.#strength.value].db };
  }

  #keepName() {
    const name = this.#name.value.trim();
    this.#showNameProblem(name ? nameProblem(name) : '');
    if (!this.name) return;
    localStorage.setItem(NAME_KEY, name);
    this.#onName(name);
  }

  /** @param {string} problem */
  #showNameProblem(problem) {
    setText(byId('name-problem'), problem);
    this.#name.toggleAttribute('aria-invalid', false);
    if (problem) this.#name.setAttribute('aria-invalid', 'true');
  }

  /** @param {boolean} takeover */
  #begin(takeover) {
    const name = this.#name.value.trim();
    const problem = nameProblem(name);
    this.#showNameProblem(problem);
    if (problem) {
      this.#name.focus();
      return;
    }
    this.#keepName();
    void this.#publisher.start({
      name,
      ...this.#settings,
      echoCancellation: this.#echo.checked,
      takeover,
    });
  }

  #settingsChanged() {
    const { text } = STRENGTHS[this.#strength.value];
    const { checked } = this.#denoise;
    this.#strength.disabled = !checked;
    this.#strength.setAttribute('aria-valuetext', text);
    setText(byId('strength-text'), checked ? text : 'off');
    void this.#publisher.change(this.#settings);
  }

  /** @param {PublisherState} state @param {PublisherState} before */
  #show(state, before) {
    const { phase, problem } = state;
    const onAir = ['live', 'shaky', 'reconnecting'].includes(phase);
    const busy = phase !== 'idle';
    byId('studio').dataset.phase = phase;
    byId('studio-live').hidden = !onAir;
    byId('vitals').hidden = !onAir;
    setText(byId('studio-status'), this.#statusText(state));
    this.#showProblem(problem);

    const hadFocus = document.activeElement;
    this.#start.hidden = busy;
    this.#stop.hidden = !busy;
    this.#stop.disabled = phase === 'stopping';
    this.#takeover.hidden = problem?.kind !== 'already_streaming';
    this.#name.disabled = busy;
    this.#echo.disabled = busy;
    // The keyboard stays where it was: the two buttons take each other's place.
    if (hadFocus === this.#start && busy) this.#stop.focus();
    if ([this.#stop, this.#takeover].includes(hadFocus) && !busy) this.#start.focus();
    if (hadFocus === this.#takeover && busy) this.#stop.focus();

    if (state.microphone !== before.microphone) this.#tapInto(state.microphone);
    if (phase === 'live' && !['live', 'shaky', 'reconnecting'].includes(before.phase)) {
      this.#ribbon.clear();
      void this.#askStatus();
    }
  }

  /** @param {PublisherState} state */
  #statusText({ phase, startedAt, stoppedAt }) {
    if (phase === 'idle' && startedAt !== null && stoppedAt !== null) {
      return `The stream ended after ${speakDuration((stoppedAt - startedAt) / 1000)}.`;
    }
    return STATUS_TEXTS[phase];
  }

  /** @param {import('../core/problems.js').Problem|null} problem */
  #showProblem(problem) {
    const element = byId('studio-problem');
    element.hidden = !problem;
    if (!problem) setText(element, '');
    else setText(element, problem.kind === 'server_refused' ? problem.message : withDetail(problem));
  }

  /** @param {MediaStream|null} microphone */
  #tapInto(microphone) {
    this.#tap?.close();
    this.#tap = microphone ? new LevelTap(microphone) : null;
  }

  async #askStatus() {
    while (this.#publisher.active) {
      this.#status = await this.#api.status(this.#publisher.value.name).catch(() => null);
      this.#showVitals();
      await new Promise((resolve) => setTimeout(resolve, STATUS_INTERVAL_MS));
    }
    this.#status = null;
  }

  #showVitals() {
    const status = this.#status;
    if (!status) return;
    setText(byId('listeners'), status.listeners ? plural(status.listeners, 'friend') : 'nobody yet');
    const { word } = judgeQuality({ lossPercent: status.loss_percent, jitterMs: status.jitter_ms });
    setText(byId('quality'), status.overloaded ? `${word}; server too busy to denoise` : word);
  }

  #tick() {
    const onAir = this.#publisher.value.startedAt !== null;
    setText(byId('timer'), formatDuration(onAir ? this.#publisher.elapsed : 0));
    if (!this.#tap) return;
    const now = performance.now();
    const input = this.#tap.read();
    const output = this.#status?.output_level_db ?? -100;
    this.#meterIn.show(input, now);
    this.#meterOut.show(output, now);
    this.#ribbon.push(input, output, now);
  }
}

/** @param {import('../core/problems.js').Problem} problem */
function withDetail({ kind, message, detail }) {
  return detail && kind === 'microphone_failed' ? `${message} (${detail})` : message;
}
