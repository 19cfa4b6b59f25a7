// A Hushcast of its own for every test file: temporary data, a port from the kernel.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const repository = fileURLToPath(new URL('../../../', import.meta.url));
export const shared = process.env.HUSHCAST_SHARED ?? resolve(repository, '../shared');
const binary = resolve(repository, process.env.HUSHCAST_BINARY ?? 'build/release/hushcast');
const READY_WITHIN_MS = 20_000;

const sharedModels = join(shared, 'models');
const environment = { ...process.env };
if (!environment.HUSHCAST_MODEL_DIR && existsSync(sharedModels)) environment.HUSHCAST_MODEL_DIR = sharedModels;

const execute = promisify(execFile);

/**
 * Runs a program to its end.
 * @param {string} program
 * @param {string[]} args
 */
export async function run(program, args) {
  return execute(program, args, { env: environment, maxBuffer: 1 << 24, timeout: 120_000 });
}

/** The command line of the program under test. @param {string[]} args */
export const hushcast = (args) => run(binary, args);

/** @param {string} prefix */
export const makeFolder = (prefix) => mkdtemp(join(tmpdir(), `hushcast-${prefix}-`));

/**
 * Waits for a condition, never for a time.
 * @template T
 * @param {() => Promise<T>|T} condition something truthy when it holds
 * @param {{within: number, what: string, every?: number}} limits milliseconds
 * @returns {Promise<T>}
 */
export async function until(condition, { within, what, every = 50 }) {
  const deadline = performance.now() + within;
  for (;;) {
    const result = await condition();
    if (result) return result;
    assert.ok(performance.now() < deadline, `waited ${within} ms in vain: ${what}`);
    await new Promise((wake) => setTimeout(wake, every));
  }
}

/** A server that runs until it is stopped. */
export class Server {
  /** @type {string} `http://127.0.0.1:PORT`, without a slash */
  url = '';
  /** @type {string[]} what it wrote last */
  #log = [];

  /** @param {string[]} [options] of `hushcast serve`, on top of data and address */
  static async start(options = []) {
    assert.ok(existsSync(binary), `no program at ${binary}: build it, or set HUSHCAST_BINARY`);
    const server = new Server();
    server.data = await makeFolder('data');
    server.process = spawn(binary, ['serve', '--data', server.data, '--listen', '127.0.0.1:0', ...options], {
      cwd: repository,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    server.exited = once(server.process, 'exit');
    const lines = [server.process.stdout, server.process.stderr].map((input) => createInterface({ input }));
    const ready = new Promise((found) => {
      for (const reader of lines) {
        reader.on('line', (line) => {
          server.#log.push(line);
          if (server.#log.length > 200) server.#log.shift();
          const url = /ready: (http:\/\/\S+?)\/?$/.exec(line)?.[1];
          if (url) found(url);
        });
      }
    });
    const timer = setTimeout(() => server.process.kill('SIGKILL'), READY_WITHIN_MS);
    const url = await Promise.race([ready, server.exited.then(() => '')]);
    clearTimeout(timer);
    assert.ok(url, `the server did not come up:\n${server.log}`);
    server.url = url;
    return server;
  }

  get log() {
    return this.#log.join('\n');
  }

  /** @param {string} path */
  async get(path) {
    const response = await fetch(this.url + path);
    assert.ok(response.ok, `GET ${path}: ${response.status}`);
    return response.json();
  }

  /** @param {string} name */
  async isStreaming(name) {
    const response = await fetch(`${this.url}/api/stream/status/${name}/`);
    return response.ok && (await response.json()).is_streaming;
  }

  /** Asks it to end, and holds it to ending well. */
  async stop() {
    if (this.process.exitCode === null) this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 10_000);
    const [code, signal] = await this.exited;
    clearTimeout(timer);
    await rm(this.data, { recursive: true, force: true });
    assert.equal(signal ?? code, 0, `the server ended badly:\n${this.log}`);
  }
}
