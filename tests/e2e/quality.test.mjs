// A browser's microphone, heard by another browser: the sound must be as clean as the same file taken
// offline through the same codecs and the same denoiser, and so must the recording.
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { beginCapture, endCapture, openBrowser, startListening, startStreaming } from './lib/browser.mjs';
import { makeFolder, Server, until } from './lib/hushcast.mjs';
import { measure, noisySpeech, prepareMicrophone, processOffline, writeWav } from './lib/sound.mjs';

/** What the network, the browser's jitter buffer and its resampler may cost. */
const STOI_MARGIN = 0.01;
const SI_SDR_MARGIN_DB = 2;

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

for (const { title, noisy, clean } of speech) {
  test(`${title}: live and recorded sound is as clean as offline`, { timeout: 90_000 }, async (t) => {
    const microphone = await prepareMicrophone(noisy, folder);
    const offline = await processOffline(microphone.studio, folder);
    const [live, recorded] = ['live', 'recorded'].map((what) => join(folder, `${title}_${what}.wav`));

    const publisherBrowser = await openBrowser({ microphone: `${microphone.browser}%noloop` });
    t.after(() => publisherBrowser.close());
    const listenerPage = await listenerBrowser.open(server.url);
    const publisherPage = await publisherBrowser.open(server.url);
    await startStreaming(publisherPage, title);
    await startListening(listenerPage, title);
    await beginCapture(listenerPage);

    const played = async () => (await server.get(`/api/stream/status/${title}/`)).elapsed > microphone.seconds + 0.5;
    await until(played, { within: (microphone.seconds + 10) * 1000, what: 'the whole file is played' });
    const { pcm, rates, reception } = await endCapture(listenerPage);
    assert.deepEqual(rates, [48_000]);
    await writeWav(live, pcm);
    await publisherPage.getByRole('button', { name: 'Stop', exact: true }).click();

    const row = publisherPage.locator('.recording').first();
    await row.waitFor();
    const url = new URL(/** @type {string} */ (await row.locator('audio').getAttribute('src')), server.url);
    await writeFile(recorded, Buffer.from(await (await fetch(url)).arrayBuffer()));
    await listenerPage.close();

    const [before, reference, heard, kept] = await measure(clean, [microphone.studio, offline, live, recorded]);
    const figures = { before, reference, heard, kept, reception };
    t.diagnostic(JSON.stringify(figures));
    const { model } = await server.get('/api/server/');
    if (!model.fallback) assert.ok(reference.si_sdr_db > before.si_sdr_db + 1, 'the denoiser removes noise');
    for (const [what, sound] of Object.entries({ heard, kept })) {
      assert.equal(sound.covered, 1, `${what}: all of the speech is there`);
      assert.ok(sound.stoi >= reference.stoi - STOI_MARGIN, `${what}: STOI ${JSON.stringify(figures)}`);
      assert.ok(sound.si_sdr_db >= reference.si_sdr_db - SI_SDR_MARGIN_DB, `${what}: SI-SDR ${JSON.stringify(figures)}`);
    }
    assert.deepEqual([...publisherBrowser.errors, ...listenerBrowser.errors], []);
  });
}
