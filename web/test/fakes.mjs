// Stand-ins for what browsers and servers do, in virtual time.

/** Lets everything happen that waits for nothing but its turn. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

export class FakeClock {
  #now = 1000;
  #timers = new Map();
  #next = 1;

  now = () => this.#now;
  setTimeout = (callback, ms) => {
    this.#timers.set(this.#next, { callback, at: this.#now + ms });
    return this.#next++;
  };
  clearTimeout = (handle) => void this.#timers.delete(handle);

  get pending() {
    return [...this.#timers.values()].map(({ at }) => at - this.#now);
  }

  async advance(ms) {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const [handle, due] = [...this.#timers].sort((a, b) => a[1].at - b[1].at)[0] ?? [];
      if (!due || due.at > end) break;
      this.#timers.delete(handle);
      this.#now = due.at;
      due.callback();
      await settle();
    }
    this.#now = end;
    await settle();
  }
}

class Stated extends EventTarget {
  constructor(field, event) {
    super();
    this.become = (state) => {
      this[field] = state;
      this.dispatchEvent(new Event(event));
    };
  }
}

export class FakePeer extends Stated {
  connectionState = 'new';
  localDescription = null;
  closed = false;
  transport = new Stated('state', 'statechange');
  track = { kind: 'audio' };
  stats = new Map();

  constructor({ connects = true } = {}) {
    super('connectionState', 'connectionstatechange');
    this.connects = connects;
  }
  addTransceiver(trackOrKind, options) {
    this.sent = typeof trackOrKind === 'string' ? null : trackOrKind;
    this.direction = options.direction;
    return { receiver: { track: this.track } };
  }
  getSenders = () => (this.direction === 'sendonly' ? [{ transport: this.transport }] : []);
  getReceivers = () => (this.direction === 'recvonly' ? [{ transport: this.transport }] : []);
  createOffer = async () => ({ type: 'offer', sdp: 'the offer' });
  getStats = async () => this.stats;
  async setLocalDescription(description) {
    this.localDescription = description;
  }
  async setRemoteDescription(description) {
    this.answer = description.sdp;
    if (this.connects) this.become('connected');
  }
  close() {
    this.closed = true;
    this.connectionState = 'closed';
  }
}

/** Makes peers, and keeps them for the test to look at. */
export class PeerMaker {
  peers = [];
  connects = true;
  create = () => {
    const peer = new FakePeer({ connects: this.connects });
    this.peers.push(peer);
    return peer;
  };
  get last() {
    return this.peers.at(-1);
  }
}

export class FakeMicrophone {
  track = Object.assign(new EventTarget(), { stopped: false, stop() { this.stopped = true; } });
  getAudioTracks = () => [this.track];
  getTracks = () => [this.track];
}

/**
 * A server whose answers the test sets: values, Errors to throw, or functions.
 * @param {Record<string, any>} answers by name of the Api's methods
 */
export function fakeApi(answers) {
  const calls = [];
  const api = new Proxy({}, {
    get: (_, name) => async (...args) => {
      calls.push({ name, args });
      let answer = answers[name];
      if (typeof answer === 'function') answer = await answer(...args);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  return { api, calls, answers, names: () => calls.map(({ name }) => name) };
}

/** A promise that the test keeps or breaks when it likes. */
export function deferred() {
  const handle = {};
  handle.promise = new Promise((resolve, reject) => Object.assign(handle, { resolve, reject }));
  return handle;
}
