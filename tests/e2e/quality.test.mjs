// A browser's microphone, heard by another browser: the sound must be as clean as the same file taken
// offline through the same codecs and the same denoiser, and so must the recording.
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import {
  beginCapture, endCapture, openBrowser, readReception, startListening, startStreaming,
} from './lib/browser.mjs';
import { makeFolder, Server, until } from './lib/hushcast.mjs';
import { LEAD_IN_S, measure, noisySpeech, prepareMicrophone, processOffline, writeWav } from './lib/sound.mjs';

/** What the network, the browser's jitter buffer and its resampler may cost. */
const STOI_MARGIN = 0.01;
const SI_SDR_MARGIN_DB = 2;
/**
 * Two browsers, the server and its encoders share the test machine. Where others keep it busy, packets
 * come in bursts, and the browser that listens stretches, cuts and conceals: a take in which it did so
 * to more than this part of the sound says little about the server, and may be repeated.
 */
const DISTURBED = 0.005;
const TAKES = 3;

const folder = await makeFolder('quality');
const speech = await noisySpeech(folder);
/** @type {Server} */
let server;
/** @type {Awaited<ReturnType<typeof openBrowser>>} */
let listenerBrowser;

before(async () => {
  server = await Server.start();
  listenerBrowser = await openBrowser();
});
after(async () => {
  await listenerBrowser?.close();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/**
 * One performance of a file: published by one browser, heard by another, recorded by the server.
 * @param {string} name of the stream
 * @param {{browser: string, seconds: number}} microphone
 * @returns {Promise<{live: string, recorded: string, disturbed: number}>} files, and which part of the
 *   sound the listening browser's jitter buffer had to stretch, cut or conceal
 */
async function perform(name, microphone) {
  const [live, recorded] = ['live', 'recorded'].map((what) => join(folder, `${name}_${what}.wav`));
  const publisherBrowser = await openBrowser({ microphone: `${microphone.browser}%noloop` });
  try {
    const listenerPage = await listenerBrowser.open(server.url);
    const publisherPage = await publisherBrowser.open(server.url);
    await startStreaming(publisherPage, name);
    await startListening(listenerPage, name);
    await beginCapture(listenerPage);
    const played = (seconds) => until(
      async () => (await server.get(`/api/stream/status/${name}/`)).elapsed > seconds,
      { within: (seconds + 10) * 1000, what: `${seconds} s are played` },
    );
    await played(LEAD_IN_S);
    const before = await readReception(listenerPage);
    await played(microphone.seconds + 0.5);
    const after = await readReception(listenerPage);
    const { pcm, rates } = await endCapture(listenerPage);
    assert.deepEqual(rates, [48_000]);
    await writeWav(live, pcm);

    await publisherPage.getByRole('button', { name: 'Stop', exact: true }).click();
    const player = publisherPage.locator('.recording audio').first();
    await player.waitFor();
    const url = new URL(/** @type {string} */ (await player.getAttribute('src')), server.url);
    await writeFile(recorded, Buffer.from(await (await fetch(url)).arrayBuffer()));
    await listenerPage.close();
    assert.deepEqual([...publisherBrowser.errors, ...listenerBrowser.errors], []);
    const since = (/** @type {keyof typeof after} */ what) => after[what] - before[what];
    const disturbed = (since('concealed') + since('inserted') + since('removed')) / since('received');
    return { live, recorded, disturbed };
  } finally {
    await publisherBrowser.close();
  }
}

for (const { title, noisy, clean } of speech) {
  test(`${title}: live and recorded sound is as clean as offline`, { timeout: 150_000 }, async (t) => {
    const microphone = await prepareMicrophone(noisy, folder);
    const offline = await processOffline(microphone.studio, folder);
    const { model } = await server.get('/api/server/');
    for (let take = 1; ; take++) {
      const { live, recorded, disturbed } = await perform(`${title}_${take}`, microphone);
      const [before, reference, heard, kept] = await measure(clean, [microphone.studio, offline, live, recorded]);
      const figures = JSON.stringify({ take, disturbed, before, reference, heard, kept });
      t.diagnostic(figures);
      if (!model.fallback) assert.ok(reference.si_sdr_db > before.si_sdr_db + 1, 'the denoiser removes noise');
      const good = [heard, kept].every(
        (sound) => sound.covered === 1 && sound.stoi >= reference.stoi - STOI_MARGIN &&
          sound.si_sdr_db >= reference.si_sdr_db - SI_SDR_MARGIN_DB,
      );
      if (good) return;
      assert.ok(disturbed > DISTURBED && take < TAKES, figures);
    }
  });
}
