// Real Chromium, as a person has it: headless, but with its microphone and its autoplay rules.
import { rm } from 'node:fs/promises';

import { chromium } from 'playwright-core';

import { makeFolder } from './hushcast.mjs';

const executablePath = process.env.HUSHCAST_CHROMIUM ?? '/usr/bin/chromium';

/**
 * A browser with a profile of its own, that remembers every error its pages met.
 * @param {{microphone?: boolean|string}} [wishes] a WAV file (44.1 kHz, stereo, 16 bit) to be heard as
 *   the microphone, over and over unless `%noloop` follows its name; `true` for beeps; false for a browser whose person never allowed one
 */
export async function openBrowser({ microphone = false } = {}) {
  const profile = await makeFolder('profile');
  const args = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--allow-loopback-in-peer-connection',
  ];
  if (microphone) args.push('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream');
  if (typeof microphone === 'string') args.push(`--use-file-for-fake-audio-capture=${microphone}`);
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: false,
    ignoreDefaultArgs: ['--mute-audio'],
    permissions: [],
    args,
  });
  context.setDefaultTimeout(15_000);
  /** @type {string[]} */
  const errors = [];
  context.on('weberror', (error) => errors.push(`uncaught: ${error.error().stack}`));
  context.on('console', (message) => {
    if (message.type() === 'error') errors.push(`console: ${message.text()} ${message.location().url}`);
  });
  // Violations of the content security policy show as console errors, too.
  await context.addInitScript(() => {
    // Tests listen in on the very connections that the page makes.
    const peers = [];
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...args) {
        super(...args);
        peers.push(this);
      }
    };
    globalThis.testPeers = peers;
  });
  return {
    context,
    errors,
    /** @param {string} url */
    async open(url) {
      const page = await context.newPage();
      page.on('dialog', (dialog) => void dialog.accept().catch(() => {}));
      await page.goto(url);
      return page;
    },
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/**
 * Start Streaming, as a person does it.
 * @param {import('playwright-core').Page} page
 * @param {string} name
 */
export async function startStreaming(page, name) {
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Start Streaming' }).click();
  await page.locator('#studio[data-phase="live"]').waitFor();
}

/**
 * The card of somebody who is live.
 * @param {import('playwright-core').Page} page
 * @param {string} name
 */
export const cardOf = (page, name) => page.locator(`.card[data-name="${name}"]:not(.card--ended)`);

/**
 * Start Listening, as a person does it: by a real click, or the browser refuses to play.
 * @param {import('playwright-core').Page} page
 * @param {string} name
 */
export async function startListening(page, name) {
  const card = cardOf(page, name);
  await card.getByRole('button', { name: 'Start Listening' }).click();
  await page.locator(`.card[data-name="${name}"][data-phase="live"]`).waitFor();
  return card;
}

/**
 * Browsers, server and encoders share the test machine's cores, so packets come in bursts, and the
 * browser's jitter buffer would stretch time after each. With a deep one it need not: what is measured
 * is the sound, not how busy the machine was.
 */
const JITTER_BUFFER_MS = 150;

/**
 * Begins to keep the sound of the connection that the page made last: what the listener hears,
 * after the browser's jitter buffer.
 * @param {import('playwright-core').Page} page
 */
export async function beginCapture(page) {
  await page.evaluate((jitterBufferMs) => {
    const peer = globalThis.testPeers.at(-1);
    const [receiver] = peer.getReceivers();
    receiver.jitterBufferTarget = jitterBufferMs;
    const track = receiver.track.clone();
    const capture = { blocks: [], samples: 0, rates: new Set(), track };
    globalThis.testCapture = capture;
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    void (async () => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        const block = new Float32Array(value.numberOfFrames);
        value.copyTo(block, { planeIndex: 0, format: 'f32-planar' });
        capture.rates.add(value.sampleRate);
        capture.blocks.push(block);
        capture.samples += block.length;
        value.close();
      }
    })();
  }, JITTER_BUFFER_MS);
}

/**
 * What the jitter buffer of the connection made last had to do so far, in samples.
 * @param {import('playwright-core').Page} page
 */
export async function readReception(page) {
  return page.evaluate(async () => {
    for (const [, entry] of await globalThis.testPeers.at(-1).getStats()) {
      if (entry.type !== 'inbound-rtp') continue;
      return {
        received: entry.totalSamplesReceived,
        concealed: entry.concealedSamples,
        inserted: entry.insertedSamplesForDeceleration,
        removed: entry.removedSamplesForAcceleration,
      };
    }
    throw new Error('nothing is received');
  });
}

/**
 * Ends the capture.
 * @param {import('playwright-core').Page} page
 * @returns {Promise<{pcm: Buffer, rates: number[]}>} 16-bit samples
 */
export async function endCapture(page) {
  const { text, rates } = await page.evaluate(() => {
    const capture = globalThis.testCapture;
    capture.track.stop();
    const pcm = new Int16Array(capture.samples);
    let at = 0;
    for (const block of capture.blocks) {
      for (const sample of block) pcm[at++] = Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
    }
    const bytes = new Uint8Array(pcm.buffer);
    let text = '';
    for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
    return { text: btoa(text), rates: [...capture.rates] };
  });
  return { pcm: Buffer.from(text, 'base64'), rates };
}
