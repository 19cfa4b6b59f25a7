import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Api } from '../core/api.js';
import { asProblem, microphoneProblem, Problem } from '../core/problems.js';

/** @param {(path: string, init: any) => any} answer */
function apiWith(answer) {
  const calls = [];
  const fetch = async (path, init) => {
    calls.push({ path, ...init, body: init.body && JSON.parse(init.body) });
    const { status = 200, body = {}, text = JSON.stringify(body) } = await answer(path, init);
    return { ok: status < 400, status, text: async () => text };
  };
  return { api: new Api({ fetch, timeoutSignal: () => AbortSignal.timeout(1e6) }), calls };
}

test('start and settings speak the words of the interface', async () => {
  const { api, calls } = apiWith(() => ({ body: { session_id: 's', status: 'started' } }));
  assert.equal((await api.start({ name: 'al', denoise: false, attenuationLimitDb: 12, takeover: true })).session_id, 's');
  await api.settings('s', { denoise: true, attenuationLimitDb: 100 });
  assert.deepEqual(calls.map(({ path, method, body }) => ({ path, method, body })), [
    { path: '/api/stream/start/', method: 'POST', body: { name: 'al', denoise: false, takeover: true, attenuation_limit_db: 12 } },
    { path: '/api/stream/settings/', method: 'POST', body: { session_id: 's', denoise: true, attenuation_limit_db: 100 } },
  ]);
  assert.equal(calls[0].headers['Content-Type'], 'application/json');
});

test('names are escaped in paths', async () => {
  const { api, calls } = apiWith(() => ({ body: { recordings: [] } }));
  assert.deepEqual(await api.recordings('a/../b?c'), []);
  assert.equal(calls[0].path, '/api/recordings/a%2F..%2Fb%3Fc/');
});

test('a refusal carries the status and the server\'s sentence', async () => {
  const { api } = apiWith(() => ({ status: 409, body: { title: 'Conflict', status: 409, detail: 'al is streaming.' } }));
  await assert.rejects(api.stop('s'), (error) => {
    assert.ok(error instanceof Problem);
    assert.equal(error.status, 409);
    assert.equal(error.message, 'al is streaming.');
    return true;
  });
});

test('no server, a proxy without a server, and an answer that is no JSON are a server that is gone', async () => {
  const answers = [
    () => { throw new TypeError('Failed to fetch'); },
    () => ({ status: 502, text: '<html>Bad gateway</html>' }),
    () => ({ status: 503, body: {} }),
    () => ({ status: 200, text: '<html>Log in to the hotel</html>' }),
  ];
  for (const answer of answers) {
    await assert.rejects(apiWith(answer).api.streams(), (error) => error.kind === 'server_gone');
  }
});

test('an empty answer is an answer', async () => {
  const { api, calls } = apiWith(() => ({ status: 204, text: '' }));
  await api.hangUp('p');
  assert.deepEqual([calls[0].body, calls[0].keepalive], [{ peer_id: 'p' }, true]);
});

test('hanging up never fails', async () => {
  const { api } = apiWith(() => { throw new TypeError(); });
  await api.hangUp('p');
});

test('what a browser says of the microphone becomes a sentence', () => {
  const kindOf = (name) => microphoneProblem(Object.assign(new Error('x'), { name })).kind;
  assert.equal(kindOf('NotFoundError'), 'microphone_missing');
  assert.equal(kindOf('NotAllowedError'), 'microphone_refused');
  assert.equal(kindOf('NotReadableError'), 'microphone_busy');
  assert.equal(kindOf('Surprise'), 'microphone_failed');
  assert.equal(microphoneProblem(undefined).kind, 'microphone_failed');
  const insecure = new Problem('insecure_origin');
  assert.equal(microphoneProblem(insecure), insecure);
  assert.match(insecure.message, /https/);
});

test('what nobody foresaw keeps its words', () => {
  assert.deepEqual([asProblem(new Error('odd')).kind, asProblem(new Error('odd')).detail], ['connection_failed', 'Error: odd']);
});
