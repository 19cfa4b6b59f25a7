import { Problem } from './problems.js';

/**
 * @typedef {object} StreamStatus
 * @property {string} name
 * @property {boolean} is_streaming
 * @property {'starting'|'live'|'unstable'} state
 * @property {string} started_at
 * @property {number} elapsed seconds
 * @property {boolean} denoise
 * @property {number} listeners
 * @property {number} input_level_db
 * @property {number} output_level_db
 * @property {number} loss_percent
 * @property {number} jitter_ms
 * @property {boolean} overloaded
 *
 * @typedef {object} Recording
 * @property {string} id
 * @property {string} title
 * @property {number} duration seconds
 * @property {string} created_at
 * @property {boolean} denoise
 * @property {string} url
 * @property {number} size_bytes
 *
 * @typedef {object} ServerInfo
 * @property {string} version
 * @property {{id: string, title: string, fallback: boolean}} model
 * @property {RTCIceServer[]} ice_servers
 */

/** Longer than the 5 s for which the server waits for a stream that is just starting. */
const REQUEST_TIMEOUT_MS = 10_000;

/** The server's HTTP interface (docs/api.md). Every failure is a Problem. */
export class Api {
  #fetch;
  #timeoutSignal;

  /**
   * @param {object} [given]
   * @param {typeof fetch} [given.fetch]
   * @param {(ms: number) => AbortSignal} [given.timeoutSignal]
   */
  constructor({ fetch: fetchFunction, timeoutSignal } = {}) {
    this.#fetch = fetchFunction ?? ((resource, init) => globalThis.fetch(resource, init));
    this.#timeoutSignal = timeoutSignal ?? ((ms) => AbortSignal.timeout(ms));
  }

  /**
   * @param {{name: string, denoise: boolean, attenuationLimitDb: number, takeover: boolean}} stream
   * @returns {Promise<{session_id: string}>}
   */
  start({ name, denoise, attenuationLimitDb, takeover }) {
    return this.#post('/api/stream/start/', {
      name,
      denoise,
      takeover,
      attenuation_limit_db: attenuationLimitDb,
    });
  }

  /** @param {string} sessionId @returns {Promise<{recording_id: string, duration: number}>} */
  stop(sessionId) {
    return this.#post('/api/stream/stop/', { session_id: sessionId });
  }

  /**
   * @param {string} sessionId
   * @param {{denoise: boolean, attenuationLimitDb: number}} settings
   * @returns {Promise<StreamStatus>}
   */
  settings(sessionId, { denoise, attenuationLimitDb }) {
    return this.#post('/api/stream/settings/', {
      session_id: sessionId,
      denoise,
      attenuation_limit_db: attenuationLimitDb,
    });
  }

  /** @param {string} sessionId @param {string} sdp @returns {Promise<RTCSessionDescriptionInit>} */
  offer(sessionId, sdp) {
    return this.#post('/api/webrtc/offer/', { session_id: sessionId, sdp, type: 'offer' });
  }

  /**
   * @param {string} name
   * @param {string} sdp
   * @returns {Promise<RTCSessionDescriptionInit & {peer_id: string}>}
   */
  listen(name, sdp) {
    return this.#post(`/api/webrtc/listen/${encodeURIComponent(name)}/`, { sdp, type: 'offer' });
  }

  /** Tells the server that a listener left; also while the page goes away. @param {string} peerId */
  async hangUp(peerId) {
    try {
      await this.#post('/api/webrtc/hangup/', { peer_id: peerId }, { keepalive: true });
    } catch {
      // The server notices by itself, when the peer falls silent.
    }
  }

  /** @param {string} name @returns {Promise<StreamStatus>} */
  status(name) {
    return this.#get(`/api/stream/status/${encodeURIComponent(name)}/`);
  }

  /** @returns {Promise<StreamStatus[]>} */
  async streams() {
    return (await this.#get('/api/streams/')).streams;
  }

  /** @param {string} name @returns {Promise<Recording[]>} */
  async recordings(name) {
    return (await this.#get(`/api/recordings/${encodeURIComponent(name)}/`)).recordings;
  }

  /** @returns {Promise<ServerInfo>} */
  server() {
    return this.#get('/api/server/');
  }

  /** @param {string} path */
  #get(path) {
    return this.#request(path, { cache: 'no-store' });
  }

  /** @param {string} path @param {object} body @param {RequestInit} [more] */
  #post(path, body, more = {}) {
    const headers = { 'Content-Type': 'application/json' };
    return this.#request(path, { method: 'POST', headers, body: JSON.stringify(body), ...more });
  }

  /** @param {string} path @param {RequestInit} init @returns {Promise<any>} */
  async #request(path, init) {
    let response, text;
    try {
      response = await this.#fetch(path, { ...init, signal: this.#timeoutSignal(REQUEST_TIMEOUT_MS) });
      text = await response.text();
    } catch {
      throw new Problem('server_gone');
    }
    let body = null;
    try {
      body = text ? JSON.parse(text) : {};
    } catch {
      // A reverse proxy whose server is away answers with a page of its own.
    }
    if (response.ok && body) return body;
    if (!body || [502, 503, 504].includes(response.status) && !body.detail) throw new Problem('server_gone');
    throw new Problem('server_refused', {
      status: response.status,
      detail: String(body.detail ?? body.title ?? ''),
    });
  }
}
