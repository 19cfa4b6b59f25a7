// What a person relies on, with real browsers: nothing starts by itself, the timer moves, stop stops,
// nobody stays on air by accident, the recording is there.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, afterEach, before, test } from 'node:test';

import { cardOf, openBrowser, startListening, startStreaming } from './lib/browser.mjs';
import { makeFolder, Server, until } from './lib/hushcast.mjs';
import { makeVoice } from './lib/sound.mjs';

/** A browser that dies says nothing: its stream ends when its media has been missing for so long. */
const MEDIA_TIMEOUT_MS = 20_000;

const folder = await makeFolder('behaviour');
/** @type {Server} */
let server;
/** @type {Awaited<ReturnType<typeof openBrowser>>} */
let speaker;
/** @type {Awaited<ReturnType<typeof openBrowser>>} */
let friend;

before(async () => {
  server = await Server.start();
  // A voice: beeps are noise to the denoiser.
  const microphone = await makeVoice(folder);
  [speaker, friend] = await Promise.all([openBrowser({ microphone }), openBrowser()]);
});
afterEach(async () => {
  for (const { context } of [speaker, friend]) {
    for (const page of context.pages().slice(1)) await page.close();
  }
  await until(async () => (await server.get('/api/streams/')).streams.length === 0, {
    within: 5_000,
    what: 'no stream is left over',
  });
});
after(async () => {
  await Promise.all([speaker?.close(), friend?.close()]);
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const limits = { timeout: 60_000 };
const stopButton = (page) => page.getByRole('button', { name: 'Stop', exact: true });
const silent = (name) => async () => !(await server.isStreaming(name));

/** No uncaught error, no error on the console, no violation of the content security policy. */
function noErrors(allowed = /^$/) {
  const errors = [...speaker.errors.splice(0), ...friend.errors.splice(0)];
  assert.deepEqual(errors.filter((error) => !allowed.test(error)), []);
}

test('nothing starts by itself', limits, async () => {
  const page = await speaker.open(server.url);
  await page.getByLabel('Your name').fill('quiet_one');
  await page.getByRole('switch', { name: 'Denoise' }).click();
  await page.reload();
  // The name is remembered; two looks at the list of streams are proof that the page is at work.
  for (let looks = 0; looks < 2; looks++) await page.waitForResponse((response) => response.url().endsWith('/api/streams/'));
  assert.equal(await page.getByLabel('Your name').inputValue(), 'quiet_one');
  assert.equal(await page.locator('#timer').textContent(), '00:00');
  assert.equal(await page.evaluate(() => globalThis.testPeers.length), 0);
  assert.deepEqual((await server.get('/api/streams/')).streams, []);
  noErrors();
});

test('a name that cannot be is told at the field', limits, async () => {
  const page = await speaker.open(server.url);
  await page.getByLabel('Your name').fill('no spaces');
  await page.getByRole('button', { name: 'Start Streaming' }).click();
  await page.getByText('Use letters without accents').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'name');
  noErrors();
});

test('the timer moves, a friend hears, stop ends it, the recording plays and seeks', limits, async () => {
  const page = await speaker.open(server.url);
  const friendPage = await friend.open(server.url);
  const wishes = await page.evaluate(() => {
    const { mediaDevices } = navigator;
    const real = mediaDevices.getUserMedia.bind(mediaDevices);
    globalThis.testWishes = [];
    mediaDevices.getUserMedia = (wishes) => {
      globalThis.testWishes.push(wishes);
      return real(wishes);
    };
    return globalThis.testWishes;
  });
  assert.deepEqual(wishes, []);
  await startStreaming(page, 'alice');
  const [{ audio }] = await page.evaluate(() => globalThis.testWishes);
  assert.equal(audio.noiseSuppression, false);
  assert.equal(audio.autoGainControl, false);
  assert.equal(audio.echoCancellation, false);

  // Every second is shown, in order, and none of them for much longer than a second.
  const seen = await page.evaluate(() => new Promise((resolve) => {
    const timer = /** @type {HTMLElement} */ (document.getElementById('timer'));
    const seen = [];
    const look = () => {
      const text = timer.textContent;
      if (seen.at(-1)?.text !== text) seen.push({ text, at: performance.now() });
      if (seen.length === 5) resolve(seen);
      else requestAnimationFrame(look);
    };
    look();
  }));
  const toSeconds = (text) => text.split(':').reduce((total, part) => 60 * total + Number(part), 0);
  for (let i = 1; i < seen.length; i++) {
    assert.equal(toSeconds(seen[i].text), toSeconds(seen[i - 1].text) + 1, JSON.stringify(seen));
    assert.ok(seen[i].at - seen[i - 1].at < 2_000, JSON.stringify(seen));
  }
  assert.ok(await page.locator('#studio-live').isVisible());
  assert.equal((await server.get('/api/stream/status/alice/')).denoise, true);

  const card = await startListening(friendPage, 'alice');
  await page.getByText('1 friend').waitFor();
  const level = () => card.locator('.meter').evaluate((meter) => Number(meter.style.getPropertyValue('--level')));
  await until(async () => (await level()) > 0.2, { within: 5_000, what: 'the voice is heard' });

  await stopButton(page).click();
  await friendPage.getByText('alice stopped streaming.').waitFor({ timeout: 1_500 });
  await page.locator('#studio[data-phase="idle"]').waitFor();
  assert.ok(!(await server.isStreaming('alice')));
  const stopped = await page.locator('#timer').textContent();

  // Without a reload:
  const row = page.locator('.recording').first();
  await row.waitFor();
  await row.getByText('denoised').waitFor();
  const player = row.locator('audio');
  await player.evaluate((audio) => { void audio.play(); });
  await until(() => player.evaluate((audio) => audio.currentTime > 0), { within: 5_000, what: 'the recording plays' });
  await player.evaluate((audio) => { audio.currentTime = audio.duration - 1; });
  await until(() => player.evaluate((audio) => audio.ended), { within: 5_000, what: 'seeking leads to the end' });
  const duration = await player.evaluate((audio) => audio.duration);
  assert.ok(Math.abs(duration - toSeconds(stopped)) < 2, `${duration} s were recorded, the timer read ${stopped}`);
  assert.equal(await page.locator('#timer').textContent(), stopped, 'the timer rests');
  noErrors();
});

test('the denoise switch is obeyed, before and while live', limits, async () => {
  const page = await speaker.open(server.url);
  const denoise = page.getByRole('switch', { name: 'Denoise' });
  assert.ok(await denoise.isChecked());
  await denoise.click();
  await startStreaming(page, 'bob');
  const isDenoised = async () => (await server.get('/api/stream/status/bob/')).denoise;
  assert.equal(await isDenoised(), false);
  await denoise.click();
  await until(isDenoised, { within: 2_000, what: 'the server denoises' });
  await stopButton(page).click();
  await until(silent('bob'), { within: 2_000, what: 'the stream ends' });
  noErrors();
});

test('a second page of the same name is told, and may take over', limits, async () => {
  const first = await speaker.open(server.url);
  await startStreaming(first, 'carol');
  const second = await speaker.open(server.url);
  await second.getByLabel('Your name').fill('carol');
  await second.getByRole('button', { name: 'Start Streaming' }).click();
  await second.getByText('already streaming under this name').waitFor();
  await second.getByRole('button', { name: 'Take over' }).click();
  await second.locator('#studio[data-phase="live"]').waitFor();
  await first.getByText('taken over').waitFor();
  assert.ok(await server.isStreaming('carol'));
  await stopButton(second).click();
  await until(silent('carol'), { within: 2_000, what: 'the stream ends' });
  // A browser writes every refused request to the console.
  noErrors(/status of (409|404)/);
});

test('a page that is closed, left or reloaded leaves no ghost', limits, async () => {
  const ways = {
    close: (page) => page.close(),
    leave: (page) => page.goto('about:blank'),
    reload: (page) => page.reload(),
  };
  for (const [name, go] of Object.entries(ways)) {
    const page = await speaker.open(server.url);
    await startStreaming(page, name);
    const friendPage = await friend.open(server.url);
    await startListening(friendPage, name);
    await go(page);
    await until(silent(name), { within: 2_000, what: `the stream ends on ${name}` });
    await friendPage.getByText(`${name} stopped streaming.`).waitFor({ timeout: 2_000 });
    const { recordings } = await server.get(`/api/recordings/${name}/`);
    assert.equal(recordings.length, 1, `${name}: what was heard is saved`);
  }
  noErrors();
});

test('a browser that is killed leaves no ghost', limits, async () => {
  const doomed = await openBrowser({ microphone: true });
  const page = await doomed.open(server.url);
  await startStreaming(page, 'dave');
  const friendPage = await friend.open(server.url);
  await startListening(friendPage, 'dave');
  const session = await doomed.context.browser()?.newBrowserCDPSession();
  await session?.send('Browser.crash').catch(() => {});
  await until(silent('dave'), { within: MEDIA_TIMEOUT_MS + 5_000, what: 'the stream of the dead browser ends', every: 250 });
  await friendPage.getByText('dave stopped streaming.').waitFor({ timeout: 2_000 });
  assert.equal((await server.get('/api/recordings/dave/')).recordings.length, 1);
  await doomed.close().catch(() => {});
  noErrors();
});

test('a listener leaves, comes back, and is counted', limits, async () => {
  const page = await speaker.open(server.url);
  await startStreaming(page, 'erin');
  const friendPage = await friend.open(server.url);
  const listeners = (count) => ({
    within: 2_000,
    what: `${count} listeners are counted`,
  });
  const counted = (count) => async () => (await server.get('/api/stream/status/erin/')).listeners === count;
  for (let round = 0; round < 2; round++) {
    await startListening(friendPage, 'erin');
    await until(counted(1), listeners(1));
    await cardOf(friendPage, 'erin').getByRole('button', { name: 'Stop Listening' }).click();
    await until(counted(0), listeners(0));
  }
  await startListening(friendPage, 'erin');
  await until(counted(1), listeners(1));
  await friendPage.close();
  await until(counted(0), { within: 5_000, what: 'a listener whose page is closed is gone' });
  await stopButton(page).click();
  await until(silent('erin'), { within: 2_000, what: 'the stream ends' });
  noErrors();
});

test('a server that goes away and comes back is told and survived', limits, async () => {
  const away = await Server.start();
  const page = await friend.open(away.url);
  await page.getByText('It is quiet').waitFor();
  await away.stop();
  await page.getByText('The server cannot be reached').waitFor();
  // The browser writes the refused connections to the console.
  noErrors(/ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/);
});
