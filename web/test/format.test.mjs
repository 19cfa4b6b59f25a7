import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FIRST_PAUSE_MS, LONGEST_PAUSE_MS, retryPause } from '../core/backoff.js';
import { formatDuration, formatSize, levelDb, meterFraction, plural, speakDuration } from '../core/format.js';
import { nameProblem } from '../core/names.js';
import { judgeQuality, judgeReception, readReception } from '../core/quality.js';

test('durations are cut to seconds, and show hours past one', () => {
  const expected = {
    0: '00:00', 0.99: '00:00', 1: '00:01', 59.999: '00:59', 60: '01:00', 3599: '59:59', 3600: '1:00:00',
    3661.5: '1:01:01', 360_000: '100:00:00',
  };
  for (const [seconds, text] of Object.entries(expected)) assert.equal(formatDuration(Number(seconds)), text);
  for (const odd of [-1, NaN, Infinity]) assert.equal(formatDuration(odd), '00:00');
});

test('durations are spoken without empty parts', () => {
  assert.equal(speakDuration(0), '0 seconds');
  assert.equal(speakDuration(1), '1 second');
  assert.equal(speakDuration(62.4), '1 minute 2 seconds');
  assert.equal(speakDuration(3600), '1 hour');
  assert.equal(speakDuration(7325), '2 hours 2 minutes 5 seconds');
});

test('counts and sizes', () => {
  assert.equal(plural(1, 'friend'), '1 friend');
  assert.equal(plural(0, 'friend'), '0 friends');
  assert.equal(formatSize(10), '1 kB');
  assert.equal(formatSize(5_800_000), '5.8 MB');
  assert.equal(formatSize(52_300_000), '52 MB');
});

test('levels', () => {
  assert.equal(levelDb(new Float32Array(480)), -100);
  assert.equal(levelDb([]), -100);
  assert.ok(Math.abs(levelDb(new Float32Array(480).fill(0.1)) + 20) < 0.01);
  assert.equal(meterFraction(0), 1);
  assert.equal(meterFraction(6), 1);
  assert.equal(meterFraction(-30), 0.5);
  for (const silence of [-60, -100, -Infinity, NaN]) assert.equal(meterFraction(silence), 0);
});

test('names: what the server takes, and a sentence for the rest', () => {
  for (const good of ['al', 'Alice_1', 'a.b-c', 'x'.repeat(32)]) assert.equal(nameProblem(good), '');
  for (const bad of ['', 'a', 'x'.repeat(33), 'no spaces', 'zoë', 'a/b', '<b>', 'al\n']) assert.notEqual(nameProblem(bad), '');
});

test('pauses grow, differ between clients, and have a bound', () => {
  assert.equal(retryPause(0, () => 0), FIRST_PAUSE_MS / 2);
  assert.equal(retryPause(1, () => 1), FIRST_PAUSE_MS * 2);
  for (let attempt = 0; attempt < 2000; attempt++) {
    assert.ok(retryPause(attempt, () => 0.999) <= LONGEST_PAUSE_MS);
    assert.ok(retryPause(attempt, () => 0) >= FIRST_PAUSE_MS / 2);
  }
});

test('quality in words follows the worst of loss, jitter and round trip', () => {
  assert.equal(judgeQuality({}).word, 'Excellent');
  assert.equal(judgeQuality({ lossPercent: 2 }).word, 'Good');
  assert.equal(judgeQuality({ jitterMs: 60 }).word, 'Fair');
  assert.equal(judgeQuality({ lossPercent: 0.1, roundTripMs: 2000 }).word, 'Poor');
});

test('reception is judged by what was lost since the last look', () => {
  const report = (received, lost) => new Map([
    ['a', { type: 'inbound-rtp', kind: 'audio', packetsReceived: received, packetsLost: lost, jitter: 0.004 }],
    ['b', { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.02 }],
    ['c', { type: 'candidate-pair', nominated: false, currentRoundTripTime: 9 }],
  ]);
  const before = readReception(report(1000, 500));
  assert.deepEqual(before, { received: 1000, lost: 500, jitterMs: 4, roundTripMs: 20 });
  assert.equal(judgeReception(readReception(report(1100, 500)), before).word, 'Excellent');
  assert.equal(judgeReception(readReception(report(1090, 510)), before).word, 'Fair');
  assert.equal(judgeReception(before, before).word, 'Excellent');
  // A packet that comes late makes the browser's loss counter go back.
  assert.equal(judgeReception(readReception(report(1100, 490)), before).word, 'Excellent');
  assert.deepEqual(readReception(new Map()), { received: 0, lost: 0, jitterMs: 0, roundTripMs: 0 });
});
