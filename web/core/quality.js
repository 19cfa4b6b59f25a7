/**
 * How a connection feels, in one word: what loss, jitter and round trip mean for speech.
 * @typedef {{word: string, rank: 0|1|2|3}} Quality rank: 3 excellent … 0 poor
 */

/** Upper bounds of the three better ranks. Concealment is heard from about 3 % loss on. */
const BOUNDS = [
  { word: 'Excellent', rank: 3, lossPercent: 0.5, jitterMs: 15, roundTripMs: 150 },
  { word: 'Good', rank: 2, lossPercent: 3, jitterMs: 35, roundTripMs: 300 },
  { word: 'Fair', rank: 1, lossPercent: 10, jitterMs: 80, roundTripMs: 600 },
];

/**
 * @param {{lossPercent?: number, jitterMs?: number, roundTripMs?: number}} measured
 * @returns {Quality}
 */
export function judgeQuality({ lossPercent = 0, jitterMs = 0, roundTripMs = 0 }) {
  for (const bound of BOUNDS) {
    if (lossPercent <= bound.lossPercent && jitterMs <= bound.jitterMs && roundTripMs <= bound.roundTripMs) {
      return { word: bound.word, rank: /** @type {0|1|2|3} */ (bound.rank) };
    }
  }
  return { word: 'Poor', rank: 0 };
}

/**
 * @typedef {{received: number, lost: number, jitterMs: number, roundTripMs: number}} ReceptionCounters
 *
 * The figures of interest in an RTCStatsReport of a listening connection.
 * @param {Iterable<[string, any]>} report
 * @returns {ReceptionCounters}
 */
export function readReception(report) {
  const counters = { received: 0, lost: 0, jitterMs: 0, roundTripMs: 0 };
  for (const [, entry] of report) {
    if (entry.type === 'inbound-rtp' && entry.kind === 'audio') {
      counters.received = entry.packetsReceived ?? 0;
      counters.lost = Math.max(0, entry.packetsLost ?? 0);
      counters.jitterMs = (entry.jitter ?? 0) * 1000;
    } else if (entry.type === 'candidate-pair' && entry.nominated) {
      counters.roundTripMs = (entry.currentRoundTripTime ?? 0) * 1000;
    }
  }
  return counters;
}

/**
 * The quality since the last look.
 * @param {ReceptionCounters} now
 * @param {ReceptionCounters} before
 */
export function judgeReception(now, before) {
  const lost = Math.max(0, now.lost - before.lost);
  const expected = lost + Math.max(0, now.received - before.received);
  return judgeQuality({
    lossPercent: expected > 0 ? (100 * lost) / expected : 0,
    jitterMs: now.jitterMs,
    roundTripMs: now.roundTripMs,
  });
}
