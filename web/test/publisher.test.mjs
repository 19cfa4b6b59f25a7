import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CONNECT_TIMEOUT_MS } from '../core/peer.js';
import { Problem } from '../core/problems.js';
import { GIVE_UP_AFTER_MS, Publisher } from '../core/publisher.js';
import { deferred, fakeApi, FakeClock, FakeMicrophone, PeerMaker, settle } from './fakes.mjs';

const wishes = { name: 'alice', denoise: true, attenuationLimitDb: 100, echoCancellation: false };
const refusal = (status) => new Problem('server_refused', { status, detail: 'no' });

function setUp(answers = {}) {
  const server = fakeApi({
    start: { session_id: 's1' },
    offer: { sdp: 'the answer' },
    stop: { recording_id: 'r1', duration: 3 },
    settings: {},
    status: { is_streaming: false },
    ...answers,
  });
  const clock = new FakeClock();
  const makers = new PeerMaker();
  const microphone = new FakeMicrophone();
  const asked = [];
  const beacons = [];
  const publisher = new Publisher({
    api: server.api,
    openMicrophone: async (wish) => {
      asked.push(wish);
      if (answers.microphone instanceof Error) throw answers.microphone;
      await answers.microphone;
      return microphone;
    },
    createPeer: makers.create,
    clock,
    random: () => 0.5,
    beacon: (url, body) => beacons.push({ url, ...JSON.parse(body) }),
  });
  const phases = [];
  publisher.watch(({ phase }) => {
    if (phases.at(-1) !== phase) phases.push(phase);
  });
  return { ...server, clock, makers, microphone, asked, beacons, publisher, phases };
}

test('from silence to the air and back', async () => {
  const { publisher, phases, names, calls, makers, microphone, clock, asked } = setUp();
  assert.equal(publisher.elapsed, 0);
  await publisher.start(wishes);
  assert.deepEqual(phases, ['idle', 'asking', 'connecting', 'live']);
  assert.deepEqual(asked, [{ echoCancellation: false }]);
  assert.deepEqual(names(), ['start', 'offer']);
  assert.deepEqual(calls[1].args, ['s1', 'the offer']);
  assert.equal(makers.last.answer, 'the answer');
  assert.equal(makers.last.sent, microphone.track);

  await clock.advance(61_500);
  assert.equal(publisher.elapsed, 61.5);
  await publisher.stop();
  assert.deepEqual(phases.slice(4), ['stopping', 'idle']);
  assert.deepEqual(publisher.value.recording, { name: 'alice', id: 'r1' });
  assert.ok(microphone.track.stopped && makers.last.closed);
  await clock.advance(5_000);
  assert.equal(publisher.elapsed, 61.5);
});

test('a microphone that is refused starts nothing', async () => {
  const { publisher, names } = setUp({ microphone: Object.assign(new Error(), { name: 'NotAllowedError' }) });
  await publisher.start(wishes);
  assert.equal(publisher.value.phase, 'idle');
  assert.equal(publisher.value.problem.kind, 'microphone_refused');
  assert.deepEqual(names(), []);
});

test('a name that is streaming already: told, the microphone let go, taken over when asked', async () => {
  const { publisher, answers, calls, microphone, beacons } = setUp({ start: refusal(409) });
  await publisher.start(wishes);
  assert.equal(publisher.value.problem.kind, 'already_streaming');
  assert.ok(microphone.track.stopped);
  assert.deepEqual(beacons, []);
  answers.start = { session_id: 's2' };
  await publisher.start({ ...wishes, takeover: true });
  assert.equal(publisher.value.phase, 'live');
  assert.equal(publisher.value.problem, null);
  assert.deepEqual(calls.filter(({ name }) => name === 'start').map(({ args }) => args[0].takeover), [false, true]);
});

test('the connection outlives the microphone until the server has answered the stop', async () => {
  const answer = deferred();
  const { publisher, makers, microphone } = setUp({ stop: () => answer.promise });
  await publisher.start(wishes);
  const stopped = publisher.stop();
  assert.ok(microphone.track.stopped && !makers.last.closed);
  // The server's goodbye on the way to its answer changes nothing.
  makers.last.transport.become('closed');
  assert.equal(publisher.value.phase, 'stopping');
  answer.resolve({ recording_id: 'r9', duration: 1 });
  await stopped;
  assert.equal(publisher.value.recording.id, 'r9');
  assert.ok(makers.last.closed);
});

test('a second click while it starts does nothing', async () => {
  const { publisher, asked } = setUp();
  await Promise.all([publisher.start(wishes), publisher.start(wishes)]);
  assert.equal(asked.length, 1);
});

test('stop while the browser still asks for the microphone', async () => {
  const permission = deferred();
  const { publisher, names, microphone } = setUp({ microphone: permission.promise });
  const started = publisher.start(wishes);
  await publisher.stop();
  assert.equal(publisher.value.phase, 'idle');
  permission.resolve();
  await started;
  assert.equal(publisher.value.phase, 'idle');
  assert.ok(microphone.track.stopped);
  assert.deepEqual(names(), []);
});

test('stop while the server is asked: the stream that starts too late is ended', async () => {
  const answer = deferred();
  const { publisher, beacons } = setUp({ start: () => answer.promise });
  const started = publisher.start(wishes);
  await settle();
  await publisher.stop();
  answer.resolve({ session_id: 'late' });
  await started;
  assert.equal(publisher.value.phase, 'idle');
  assert.deepEqual(beacons, [{ url: '/api/stream/stop/', session_id: 'late' }]);
});

test('no path to the server: told in time, and nothing is left running', async () => {
  const { publisher, makers, clock, beacons, microphone } = setUp();
  makers.connects = false;
  const started = publisher.start(wishes);
  await clock.advance(CONNECT_TIMEOUT_MS);
  await started;
  assert.equal(publisher.value.problem.kind, 'connection_failed');
  assert.equal(publisher.value.startedAt, null);
  assert.deepEqual(beacons.map((beacon) => beacon.session_id), ['s1']);
  assert.ok(makers.last.closed && microphone.track.stopped);
});

test('a shaky connection that comes back keeps the stream and the timer', async () => {
  const { publisher, makers, clock, phases } = setUp();
  await publisher.start(wishes);
  await clock.advance(1_000);
  makers.last.become('disconnected');
  await clock.advance(2_000);
  makers.last.become('connected');
  assert.deepEqual(phases.slice(3), ['live', 'shaky', 'live']);
  assert.equal(publisher.elapsed, 3);
  assert.equal(makers.peers.length, 1);
});

test('a lost connection is made anew for the same stream', async () => {
  const { publisher, makers, phases, calls, microphone, clock } = setUp();
  await publisher.start(wishes);
  makers.last.become('failed');
  await clock.advance(0);
  assert.deepEqual(phases.slice(3), ['live', 'reconnecting', 'live']);
  assert.equal(makers.peers.length, 2);
  assert.ok(makers.peers[0].closed);
  assert.deepEqual(calls.filter(({ name }) => name === 'offer').map(({ args }) => args[0]), ['s1', 's1']);
  assert.ok(!microphone.track.stopped);
});

test('a server that stays away ends the attempts, with growing pauses between them', async () => {
  const { publisher, makers, clock, answers, calls } = setUp();
  await publisher.start(wishes);
  answers.settings = new Problem('server_gone');
  const at = [];
  answers.settings = () => {
    at.push(clock.now());
    return new Problem('server_gone');
  };
  makers.last.become('failed');
  await clock.advance(2 * GIVE_UP_AFTER_MS);
  assert.equal(publisher.value.phase, 'idle');
  assert.equal(publisher.value.problem.kind, 'stream_lost');
  const pauses = at.slice(1).map((time, index) => time - at[index]);
  assert.deepEqual(pauses.slice(0, 4), [375, 750, 1500, 3000]);
  assert.deepEqual(clock.pending, []);
  assert.ok(calls.length < 20);
});

test('a stream that goes on without us was taken over; one that does not was ended', async () => {
  for (const [isStreaming, kind] of [[true, 'taken_over'], [false, 'stream_lost']]) {
    const { publisher, makers, clock, beacons } = setUp({ settings: refusal(404), status: { is_streaming: isStreaming } });
    await publisher.start(wishes);
    // The server's goodbye shows at the DTLS transport first.
    makers.last.transport.become('closed');
    await clock.advance(0);
    assert.equal(publisher.value.phase, 'idle');
    assert.equal(publisher.value.problem.kind, kind);
    assert.deepEqual(beacons, []);
  }
});

test('stop while reconnecting stops', async () => {
  const { publisher, makers, clock, names } = setUp({ settings: new Problem('server_gone') });
  await publisher.start(wishes);
  makers.last.become('failed');
  await clock.advance(500);
  await publisher.stop();
  assert.equal(publisher.value.phase, 'idle');
  assert.equal(publisher.value.problem, null);
  const before = names().length;
  await clock.advance(60_000);
  assert.equal(names().length, before);
  assert.equal(makers.peers.length, 1);
});

test('a microphone that is unplugged ends the stream at once', async () => {
  const { publisher, microphone, beacons } = setUp();
  await publisher.start(wishes);
  microphone.track.dispatchEvent(new Event('ended'));
  assert.equal(publisher.value.problem.kind, 'microphone_lost');
  assert.deepEqual(beacons.map((beacon) => beacon.session_id), ['s1']);
});

test('a page that goes away says so without waiting', async () => {
  const { publisher, beacons, microphone } = setUp();
  publisher.abandon();
  assert.deepEqual(beacons, []);
  await publisher.start(wishes);
  assert.ok(publisher.active);
  publisher.abandon();
  assert.deepEqual(beacons, [{ url: '/api/stream/stop/', session_id: 's1' }]);
  assert.ok(microphone.track.stopped && !publisher.active);
});

test('stopping what has ended already is no error; an unreachable server is', async () => {
  for (const [answer, kind] of [[refusal(409), undefined], [new Problem('server_gone'), 'server_gone']]) {
    const { publisher, microphone } = setUp({ stop: answer });
    await publisher.start(wishes);
    await publisher.stop();
    assert.equal(publisher.value.phase, 'idle');
    assert.equal(publisher.value.problem?.kind, kind);
    assert.ok(microphone.track.stopped);
  }
});

test('settings reach a stream that runs, and one that is just starting', async () => {
  const answer = deferred();
  const { publisher, calls, clock } = setUp({ start: () => answer.promise });
  await publisher.change({ denoise: false, attenuationLimitDb: 6 });
  assert.deepEqual(calls, []);
  const started = publisher.start(wishes);
  await settle();
  await publisher.change({ denoise: false, attenuationLimitDb: 12 });
  answer.resolve({ session_id: 's1' });
  await started;
  await publisher.change({ denoise: true, attenuationLimitDb: 18 });
  await clock.advance(0);
  assert.deepEqual(calls.filter(({ name }) => name === 'settings').map(({ args }) => args), [
    ['s1', { denoise: false, attenuationLimitDb: 12 }],
    ['s1', { denoise: true, attenuationLimitDb: 18 }],
  ]);
});
