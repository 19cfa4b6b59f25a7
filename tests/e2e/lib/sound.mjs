// Sound files for the tests: what is fed to microphones, and what comes out of the same codecs offline.
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { hushcast, repository, run, shared } from './hushcast.mjs';

const here = join(repository, 'tests/e2e');
const python = process.env.HUSHCAST_PYTHON ?? '/usr/bin/python3';
const developmentFiles = ['snr0', 'mix_bar_10dB', 'mix_train_5dB'];

/**
 * A listener can only come once the stream is live, and its jitter buffer fills before it plays
 * evenly: that much is played before what is measured.
 */
export const LEAD_IN_S = 7;

/**
 * Pairs of a noisy file and its clean reference; synthetic ones where the development recordings are
 * missing.
 * @param {string} folder for what must be made
 * @returns {Promise<{title: string, noisy: string, clean: string}[]>}
 */
export async function noisySpeech(folder) {
  const development = join(shared, 'audio/dev');
  if (existsSync(development)) {
    return developmentFiles.map((title) => ({
      title,
      noisy: join(development, `${title}_noisy.wav`),
      clean: join(development, `${title}_clean.wav`),
    }));
  }
  const [noisy, clean] = ['noisy', 'clean'].map((what) => join(folder, `synthetic_${what}.wav`));
  await runPython('synthetic.py', [noisy, clean]);
  return [{ title: 'synthetic', noisy, clean }];
}

/** @param {string} script of this folder @param {string[]} args */
export const runPython = (script, args) => run(python, [join(here, script), ...args]);

/**
 * The file as it goes into the microphone: its own end first, backwards, as a lead-in, and a second of silence
 * after it, so that nothing of it is lost in buffers.
 * @param {string} noisy
 * @param {string} folder
 * @returns {Promise<{studio: string, browser: string, seconds: number}>} the same sound at 48 kHz mono,
 *   and as Chromium's fake microphone wants it
 */
export async function prepareMicrophone(noisy, folder) {
  const [lead, studio, browser] = ['lead', 'studio', 'browser'].map((what) => join(folder, `${what}.wav`));
  await run('sox', [noisy, lead, 'trim', `-${LEAD_IN_S}`, 'reverse']);
  await run('sox', [lead, noisy, studio, 'pad', '0', '1']);
  await forBrowser(studio, browser);
  const { stdout } = await run('soxi', ['-D', studio]);
  return { studio, browser, seconds: Number(stdout) };
}

/** As Chromium's fake microphone wants it. @param {string} input @param {string} output */
const forBrowser = (input, output) => run('sox', ['-G', input, '-r', '44100', '-c', '2', '-b', '16', output]);

/** A voice for a browser's microphone. @param {string} folder */
export async function makeVoice(folder) {
  const [noisy, clean, voice] = ['noisy', 'clean', 'voice'].map((what) => join(folder, `${what}.wav`));
  await runPython('synthetic.py', [noisy, clean]);
  await forBrowser(clean, voice);
  return voice;
}

/**
 * What the best possible transmission would have made of it: codec, denoiser, codec.
 * @param {string} input
 * @param {string} folder
 */
export async function processOffline(input, folder) {
  const file = (/** @type {string} */ name) => join(folder, name);
  await throughOpus(input, 128, file('upload.opus'), file('uploaded.wav'));
  await hushcast(['denoise', file('uploaded.wav'), file('denoised.wav')]);
  await throughOpus(file('denoised.wav'), 64, file('download.opus'), file('offline.wav'));
  return file('offline.wav');
}

/** @param {string} input @param {number} kilobits @param {string} coded @param {string} output */
async function throughOpus(input, kilobits, coded, output) {
  await run('opusenc', ['--quiet', '--bitrate', String(kilobits), input, coded]);
  await run('opusdec', ['--quiet', '--rate', '48000', '--no-dither', coded, output]);
}

/**
 * @param {string} clean
 * @param {string[]} sounds
 * @returns {Promise<{stoi: number, si_sdr_db: number, covered: number}[]>}
 */
export async function measure(clean, sounds) {
  const { stdout } = await runPython('metrics.py', [clean, ...sounds]);
  return stdout.trim().split('\n').map((line) => JSON.parse(line));
}

/** @param {string} path @param {Buffer} pcm 48 kHz, 16 bit, mono */
export async function writeWav(path, pcm) {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + pcm.length, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(48_000, 24);
  header.writeUInt32LE(96_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(pcm.length, 40);
  await writeFile(path, Buffer.concat([header, pcm]));
}
