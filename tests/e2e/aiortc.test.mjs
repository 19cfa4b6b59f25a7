// A third party's WebRTC stack, through the standard doors: publishes by WHIP, listens by WHEP.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { makeFolder, Server } from './lib/hushcast.mjs';
import { measure, noisySpeech, prepareMicrophone, runPython } from './lib/sound.mjs';

const folder = await makeFolder('aiortc');
/** @type {Server} */
let server;

before(async () => {
  server = await Server.start();
});
after(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('aiortc publishes noise and speech, and hears speech', { timeout: 90_000 }, async (t) => {
  const { noisy, clean } = (await noisySpeech(folder)).at(-1);
  const { studio } = await prepareMicrophone(noisy, folder);
  const heard = join(folder, 'heard.wav');
  await runPython('aiortc_client.py', [server.url, 'aiortc', studio, heard]);
  assert.ok(!(await server.isStreaming('aiortc')), 'DELETE ended the stream');

  const [before, after] = await measure(clean, [studio, heard]);
  t.diagnostic(JSON.stringify({ before, after }));
  assert.equal(after.covered, 1, 'all of the speech is there');
  const { model } = await server.get('/api/server/');
  // aiortc encodes as for telephony, whose high-pass turns the phase of low voices: the ear hears nothing of it,
  // SI-SDR loses most of what was gained.
  const gainDb = model.fallback ? -5 : 2;
  assert.ok(after.si_sdr_db > before.si_sdr_db + gainDb, JSON.stringify({ before, after }));
  const { recordings } = await server.get('/api/recordings/aiortc/');
  assert.equal(recordings.length, 1);
});
