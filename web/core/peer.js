import { Problem } from './problems.js';

/** @typedef {import('./clock.js').Clock} Clock */

/** Connecting takes 0.2 s where UDP passes; after this long it will not pass. */
export const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Follows one RTCPeerConnection and says what it means for the person.
 * A server that ends a connection sends a DTLS close_notify, which browsers show first at the DTLS
 * transport, and not all of them at the connection: both are watched.
 * @param {RTCPeerConnection} peer
 * @param {{onShaky: () => void, onBack: () => void, onLost: () => void}} events
 *   onShaky: packets stopped, and may come back (onBack); onLost: over, and told once
 * @returns {() => void} stops watching
 */
export function watchPeer(peer, { onShaky, onBack, onLost }) {
  let shaky = false;
  let watching = true;
  const lose = () => {
    if (!watching) return;
    watching = false;
    onLost();
  };
  const transports = [...peer.getSenders(), ...peer.getReceivers()]
    .map((end) => end.transport)
    .filter((transport) => transport !== null && transport !== undefined);
  const look = () => {
    if (!watching) return;
    const state = peer.connectionState;
    const ended = transports.some(({ state }) => state === 'closed' || state === 'failed');
    if (ended || state === 'failed' || state === 'closed') {
      lose();
    } else if (state === 'disconnected' && !shaky) {
      shaky = true;
      onShaky();
    } else if (state === 'connected' && shaky) {
      shaky = false;
      onBack();
    }
  };
  peer.addEventListener('connectionstatechange', look);
  for (const transport of transports) transport.addEventListener('statechange', look);
  look();
  return () => {
    watching = false;
  };
}

/**
 * Offers, hands the offer to `exchange`, and waits until the connection stands.
 * The offer leaves without candidates: an ICE-lite server learns our address from our checks.
 * @param {RTCPeerConnection} peer
 * @param {(sdp: string) => Promise<RTCSessionDescriptionInit>} exchange
 * @param {Clock} clock
 */
export async function connectPeer(peer, exchange, clock) {
  await peer.setLocalDescription(await peer.createOffer());
  const answer = await exchange(/** @type {RTCSessionDescription} */ (peer.localDescription).sdp);
  await peer.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
  await new Promise((resolve, reject) => {
    const fail = () => reject(new Problem('connection_failed'));
    const timer = clock.setTimeout(fail, CONNECT_TIMEOUT_MS);
    const look = () => {
      const state = peer.connectionState;
      if (state !== 'connected' && state !== 'failed' && state !== 'closed') return;
      clock.clearTimeout(timer);
      peer.removeEventListener('connectionstatechange', look);
      if (state === 'connected') resolve(undefined);
      else fail();
    };
    peer.addEventListener('connectionstatechange', look);
    look();
  });
}
