import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Directory, HIDDEN_INTERVAL_MS, VISIBLE_INTERVAL_MS } from '../core/directory.js';
import { Listener, QUALITY_INTERVAL_MS, SHAKY_PATIENCE_MS } from '../core/listener.js';
import { Problem } from '../core/problems.js';
import { deferred, fakeApi, FakeClock, PeerMaker, settle } from './fakes.mjs';

const refusal = (status) => new Problem('server_refused', { status, detail: 'no' });

function setUp(answers = {}) {
  const server = fakeApi({
    listen: { sdp: 'the answer', peer_id: 'p1' },
    hangUp: undefined,
    status: { is_streaming: true },
    ...answers,
  });
  const clock = new FakeClock();
  const makers = new PeerMaker();
  const listener = new Listener({ name: 'bob', api: server.api, createPeer: makers.create, clock, random: () => 1 });
  const phases = [];
  listener.watch(({ phase }) => {
    if (phases.at(-1) !== phase) phases.push(phase);
  });
  return { ...server, clock, makers, listener, phases };
}

test('hears, and stops hearing', async () => {
  const { listener, phases, makers, names, calls } = setUp();
  await listener.start();
  assert.deepEqual(phases, ['idle', 'connecting', 'live']);
  assert.equal(listener.value.track, makers.last.track);
  assert.equal(makers.last.direction, 'recvonly');
  assert.deepEqual(calls[0].args, ['bob', 'the offer']);
  listener.stop();
  await settle();
  assert.deepEqual(names(), ['listen', 'hangUp']);
  assert.deepEqual(calls[1].args, ['p1']);
  assert.deepEqual([listener.value.phase, listener.value.track, makers.last.closed], ['idle', null, true]);
});

test('stop while the answer is on its way hangs up the leg that comes too late', async () => {
  const answer = deferred();
  const { listener, calls } = setUp({ listen: () => answer.promise });
  const started = listener.start();
  await settle();
  listener.stop();
  answer.resolve({ sdp: 'x', peer_id: 'late' });
  await started;
  await settle();
  assert.equal(listener.value.phase, 'idle');
  assert.deepEqual(calls.at(-1), { name: 'hangUp', args: ['late'] });
});

test('the end of a stream is told at once, by its goodbye', async () => {
  const { listener, makers, answers, clock, phases } = setUp();
  await listener.start();
  answers.status = { is_streaming: false };
  makers.last.transport.become('closed');
  await clock.advance(0);
  assert.equal(phases.at(-1), 'ended');
  assert.equal(listener.value.problem.kind, 'not_streaming');
  assert.equal(listener.value.track, null);
  assert.deepEqual(clock.pending, []);
});

test('a stream that ends between question and offer has ended', async () => {
  for (const status of [409, 404]) {
    const { listener, makers, answers, clock } = setUp();
    await listener.start();
    answers.listen = refusal(status);
    makers.last.become('failed');
    await clock.advance(0);
    assert.equal(listener.value.phase, 'ended');
    assert.deepEqual(clock.pending, []);
  }
});

test('the end of a stream is told by the list of streams, too', async () => {
  const { listener, makers } = setUp();
  await listener.start();
  listener.streamIsGone();
  assert.equal(listener.value.phase, 'ended');
  assert.ok(makers.last.closed);
});

test('a lost connection comes back by itself, with growing pauses, and hears on until then', async () => {
  const { listener, makers, answers, clock } = setUp();
  await listener.start();
  const at = [];
  answers.listen = () => {
    at.push(clock.now());
    return new Problem('server_gone');
  };
  makers.last.become('failed');
  await clock.advance(4_000);
  assert.equal(listener.value.phase, 'waiting');
  assert.equal(listener.value.problem.kind, 'server_gone');
  assert.ok(listener.value.retryAt > clock.now());
  assert.deepEqual(at.slice(1).map((time, index) => time - at[index]), [500, 1000, 2000]);
  answers.listen = { sdp: 'again', peer_id: 'p2' };
  await clock.advance(4_000);
  assert.equal(listener.value.phase, 'live');
  assert.equal(listener.value.track, makers.last.track);
  // The pauses begin anew.
  answers.listen = new Problem('server_gone');
  makers.last.become('failed');
  await clock.advance(0);
  assert.equal(listener.value.retryAt - clock.now(), 500);
});

test('packets that stop for a moment are waited for; then the connection is made anew', async () => {
  const { listener, makers, clock, phases } = setUp();
  await listener.start();
  makers.last.become('disconnected');
  assert.equal(listener.value.phase, 'shaky');
  makers.last.become('connected');
  assert.equal(listener.value.phase, 'live');
  makers.last.become('disconnected');
  await clock.advance(SHAKY_PATIENCE_MS);
  assert.deepEqual(phases.slice(2), ['live', 'shaky', 'live', 'shaky', 'connecting', 'live']);
  assert.equal(makers.peers.length, 2);
});

test('stop ends the attempts', async () => {
  const { listener, clock, names } = setUp({ listen: new Problem('server_gone') });
  await listener.start();
  assert.equal(listener.value.phase, 'waiting');
  listener.stop();
  const before = names().length;
  await clock.advance(60_000);
  assert.equal(names().length, before);
});

test('the quality is read while live', async () => {
  const { listener, makers, clock } = setUp();
  await listener.start();
  const receive = (packetsReceived, packetsLost) => makers.last.stats.set('i', {
    type: 'inbound-rtp', kind: 'audio', packetsReceived, packetsLost, jitter: 0.001,
  });
  receive(100, 0);
  await clock.advance(QUALITY_INTERVAL_MS);
  assert.equal(listener.value.quality, null);
  receive(150, 50);
  await clock.advance(QUALITY_INTERVAL_MS);
  assert.equal(listener.value.quality.word, 'Poor');
  listener.stop();
  assert.deepEqual(clock.pending, []);
});

test('the list of streams is asked for every second, and rarely while nobody looks', async () => {
  const clock = new FakeClock();
  const { api, names, answers } = fakeApi({ streams: () => [{ name: 'bob' }, { name: 'alice' }] });
  const directory = new Directory({ api, clock, random: () => 1 });
  assert.equal(directory.value.phase, 'loading');
  await directory.refresh();
  assert.deepEqual(directory.value.streams.map(({ name }) => name), ['alice', 'bob']);
  await clock.advance(10 * VISIBLE_INTERVAL_MS);
  assert.equal(names().length, 11);
  directory.setVisible(false);
  await clock.advance(HIDDEN_INTERVAL_MS);
  assert.equal(names().length, 13);
  directory.setVisible(true);
  await clock.advance(VISIBLE_INTERVAL_MS);
  assert.equal(names().length, 15);

  // One failure is not told; a server that stays away is, and is asked ever less often.
  answers.streams = new Problem('server_gone');
  await clock.advance(VISIBLE_INTERVAL_MS);
  assert.equal(directory.value.phase, 'online');
  await clock.advance(VISIBLE_INTERVAL_MS);
  assert.equal(directory.value.phase, 'offline');
  assert.equal(directory.value.streams.length, 2);
  const before = names().length;
  await clock.advance(60_000);
  assert.ok(names().length - before < 10);
  answers.streams = () => [];
  await clock.advance(15_000);
  assert.equal(directory.value.phase, 'online');
});

test('a refresh that is asked for twice leaves one timer', async () => {
  const clock = new FakeClock();
  const { api } = fakeApi({ streams: () => [] });
  const directory = new Directory({ api, clock, random: () => 1 });
  await Promise.all([directory.refresh(), directory.refresh(), directory.refresh()]);
  assert.equal(clock.pending.length, 1);
});
