import { levelDb, meterFraction, METER_FLOOR_DB } from '../core/format.js';

/** Ears and eyes want a meter to rise at once and to fall slowly. */
const FALL_PER_SECOND = 1.2;
/** How often the number behind the bar changes, for those who hear it instead of seeing it. */
const SPEAK_INTERVAL_MS = 1_000;

/** A level as a bar. */
export class Meter {
  #element;
  #shown = 0;
  #at = 0;
  #spokenAt = -Infinity;

  /** @param {HTMLElement} element with role="meter" */
  constructor(element) {
    this.#element = element;
    this.show(-100, 0);
  }

  /** @param {number} db dBFS @param {number} nowMs */
  show(db, nowMs) {
    const fall = Math.max(0, (nowMs - this.#at) / 1000) * FALL_PER_SECOND;
    this.#at = nowMs;
    this.#shown = Math.max(meterFraction(db), this.#shown - fall);
    this.#element.style.setProperty('--level', this.#shown.toFixed(3));
    if (nowMs - this.#spokenAt < SPEAK_INTERVAL_MS) return;
    this.#spokenAt = nowMs;
    const value = Math.round(Math.min(0, Math.max(METER_FLOOR_DB, db)));
    this.#element.setAttribute('aria-valuenow', String(value));
    this.#element.setAttribute('aria-valuetext', value <= METER_FLOOR_DB ? 'silent' : `${value} decibels`);
  }
}

/** @type {AudioContext|null} made at the first click, as browsers want it */
let context = null;

/** Reads the level of a stream, without being heard. */
export class LevelTap {
  #source;
  #analyser;
  #samples;

  /** @param {MediaStream} stream */
  constructor(stream) {
    context ??= new AudioContext();
    void context.resume();
    this.#source = context.createMediaStreamSource(stream);
    // 2048 samples: the last 43 ms.
    this.#analyser = new AnalyserNode(context, { fftSize: 2048 });
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#source.connect(this.#analyser);
  }

  /** @returns {number} dBFS */
  read() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    return levelDb(this.#samples);
  }

  close() {
    this.#source.disconnect();
  }
}
