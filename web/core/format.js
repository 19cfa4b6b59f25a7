const two = (/** @type {number} */ n) => String(n).padStart(2, '0');

/**
 * `mm:ss`, and `h:mm:ss` past the first hour. Seconds are cut, not rounded: a timer reads 00:00 for
 * its whole first second.
 * @param {number} seconds
 */
export function formatDuration(seconds) {
  const whole = Number.isFinite(seconds) ? Math.max(0, Math.floor(seconds)) : 0;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${two(minutes)}:${two(whole % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

/** A duration as a screen reader should say it. @param {number} seconds */
export function speakDuration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [
    [Math.floor(whole / 3600), 'hour'],
    [Math.floor(whole / 60) % 60, 'minute'],
    [whole % 60, 'second'],
  ].filter(([count], index) => count || (index === 2 && whole < 60));
  return parts.map(([count, unit]) => `${count} ${unit}${count === 1 ? '' : 's'}`).join(' ');
}

/** @param {number} count @param {string} noun */
export const plural = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** @param {number} bytes */
export function formatSize(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** What a meter can show: quieter is silence, louder is full scale (dBFS). */
export const METER_FLOOR_DB = -60;

/**
 * Where a level stands on a meter.
 * @param {number} db dBFS
 * @returns {number} 0 … 1
 */
export function meterFraction(db) {
  if (!Number.isFinite(db)) return 0;
  return Math.min(1, Math.max(0, 1 - db / METER_FLOOR_DB));
}

/**
 * Root mean square of a block of samples.
 * @param {ArrayLike<number>} samples in [-1, 1]
 * @returns {number} dBFS, at least -100
 */
export function levelDb(samples) {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += samples[i] * samples[i];
  return Math.max(-100, 10 * Math.log10(sum / Math.max(1, samples.length) + 1e-10));
}
