"""A WebRTC client that is no browser: publishes a WAV file by WHIP and hears it back by WHEP.

usage: aiortc_client.py SERVER_URL NAME IN.wav OUT.wav      48 kHz, mono, 16 bit; on loopback
"""
import asyncio
import fractions
import sys
import time
import urllib.request
import wave

import aioice.ice
import av
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

RATE_HZ = 48_000
FRAME_SAMPLES = RATE_HZ // 50
# aioice leaves the loopback interface out; here it is the only one that is wanted.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
CONNECT_WITHIN_S = 10


class WavTrack(MediaStreamTrack):
    """A file at the pace of a microphone; silence after its end."""

    kind = "audio"

    def __init__(self, path):
        super().__init__()
        with wave.open(path, "rb") as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE_HZ, 1, 2)
            self.samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        self.position = 0
        self.started = None
        self.finished = asyncio.Event()

    async def recv(self):
        if self.started is None:
            self.started = time.monotonic()
        await asyncio.sleep(self.started + self.position / RATE_HZ - time.monotonic())
        block = np.zeros((1, FRAME_SAMPLES), np.int16)
        rest = self.samples[self.position: self.position + FRAME_SAMPLES]
        block[0, : len(rest)] = rest
        frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        frame.pts = self.position
        frame.time_base = fractions.Fraction(1, RATE_HZ)
        self.position += FRAME_SAMPLES
        if self.position >= len(self.samples):
            self.finished.set()
        return frame


def request(method, url, body=None):
    headers = {"Content-Type": "application/sdp"} if body else {}
    call = urllib.request.Request(url, body and body.encode(), headers, method=method)
    with urllib.request.urlopen(call, timeout=CONNECT_WITHIN_S) as response:
        return response.status, response.headers, response.read().decode()


async def connect(peer, url):
    """WHIP and WHEP alike (RFC 9725): offer, 201, answer, and a location to delete."""
    connected = asyncio.Event()

    @peer.on("connectionstatechange")
    def look():
        if peer.connectionState == "connected":
            connected.set()

    await peer.setLocalDescription(await peer.createOffer())
    status, headers, answer = await asyncio.to_thread(request, "POST", url, peer.localDescription.sdp)
    assert status == 201, status
    assert headers["Content-Type"].startswith("application/sdp"), headers["Content-Type"]
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    await asyncio.wait_for(connected.wait(), CONNECT_WITHIN_S)
    return headers["Location"]


async def receive(track, blocks):
    while True:
        frame = await track.recv()
        channels = len(frame.layout.channels)
        blocks.append(frame.to_ndarray().reshape(-1, channels)[:, 0].copy())


async def main(server, name, source, target):
    speaker, friend = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    track = WavTrack(source)
    speaker.addTrack(track)
    published = await connect(speaker, f"{server}/whip/{name}")
    receiver = friend.addTransceiver("audio", direction="recvonly").receiver
    listening = await connect(friend, f"{server}/whep/{name}")
    blocks = []
    hearing = asyncio.create_task(receive(receiver.track, blocks))
    await track.finished.wait()
    hearing.cancel()
    for location in (listening, published):
        status, _, _ = await asyncio.to_thread(request, "DELETE", server + location)
        assert status in (200, 204), status
    await asyncio.gather(speaker.close(), friend.close())
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.concatenate(blocks).astype("<i2").tobytes())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
