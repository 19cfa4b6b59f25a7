// Puts the page together. Nothing here starts a stream: only a person's click does.
import { Api } from '../core/api.js';
import { systemClock } from '../core/clock.js';
import { Directory } from '../core/directory.js';
import { Listener } from '../core/listener.js';
import { Publisher } from '../core/publisher.js';
import { byId, setText } from './dom.js';
import { openMicrophone } from './microphone.js';
import { People } from './people.js';
import { Recordings } from './recordings.js';
import { Studio } from './studio.js';

const api = new Api();
const clock = systemClock;
const random = Math.random;
/** @type {RTCIceServer[]} */
let iceServers = [];
const createPeer = () => new RTCPeerConnection({ iceServers });

const publisher = new Publisher({
  api,
  openMicrophone,
  createPeer,
  clock,
  random,
  beacon: (url, body) => void navigator.sendBeacon(url, body),
});
const directory = new Directory({ api, clock, random });
const recordings = new Recordings({ api });
const studio = new Studio({ publisher, api, onName: (name) => void recordings.open(name) });
const people = new People({
  directory,
  makeListener: (name) => new Listener({ name, api, createPeer, clock, random }),
  ownName: () => (publisher.active ? publisher.value.name : ''),
  onRecordings: (name) => void recordings.visit(name),
});

// A stream that ended has left a recording, whoever ended it.
publisher.watch((state, before) => {
  if (state.phase === before.phase) return;
  void directory.refresh();
  if (state.phase !== 'idle' || before.startedAt === null) return;
  const made = state.recording !== before.recording ? state.recording : null;
  if (made) void recordings.open(made.name).then(() => recordings.refresh(made.id));
  else void recordings.refresh();
});
directory.watch(({ phase, streams }, before) => {
  byId('offline').hidden = phase !== 'offline';
  recordings.offerNames(streams.map(({ name }) => name));
  const live = new Set(streams.map(({ name }) => name));
  if (before.streams.some(({ name }) => name === recordings.name && !live.has(name))) void recordings.refresh();
  if (before.phase !== 'online' && phase === 'online') void askServer();
});

async function askServer() {
  const server = await api.server().catch(() => null);
  if (!server) return;
  iceServers = server.ice_servers ?? [];
  const { title, fallback } = server.model;
  setText(byId('denoiser'), fallback
    ? `Noise removal: ${title}. The server has no neural model yet, so noise is reduced less than it could be.`
    : `Noise removal: ${title}`);
  setText(byId('version'), `Hushcast ${server.version}`);
}

addEventListener('beforeunload', (event) => {
  if (publisher.active) event.preventDefault();
});
addEventListener('pagehide', () => {
  publisher.abandon();
  people.stopAll();
});
document.addEventListener('visibilitychange', () => directory.setVisible(!document.hidden));

if (studio.name) void recordings.open(studio.name);
directory.setVisible(!document.hidden);
void directory.refresh();
