"""Noisy speech made on the fly: who speaks, in which room, through which microphone, beside what."""
import csv
import os
import pathlib
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np

RATE = 48_000
NOISY_SPEAKERS = ("kathleen", "nathalie")  # an audible noise floor, about 30 dB under the speech


class PackError(Exception):
    """The training data is not what it should be; the message is for the person who started this."""


def _decode(path):
    try:
        run = subprocess.run(["opusdec", "--quiet", "--rate", str(RATE), "--no-dither", path, "-"],
                             capture_output=True, check=True)
    except FileNotFoundError:
        raise PackError("opusdec is missing: install opus-tools") from None
    except subprocess.CalledProcessError as error:
        raise PackError(f"{path} cannot be decoded: {error.stderr.decode(errors='replace').strip()}") from None
    return np.frombuffer(run.stdout[:len(run.stdout) // 2 * 2], "<i2")


def load_pack(folder, split, cache):
    """[(row, int16 samples)] of one split; decoded shards are kept in `cache`."""
    folder, cache = pathlib.Path(folder), pathlib.Path(cache)
    manifest = folder / "manifest.csv"
    if not manifest.exists():
        raise PackError(f"no training pack at {folder}: manifest.csv is missing")
    with open(manifest, encoding="utf8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    if not rows:
        raise PackError(f"{manifest} lists nothing for the split '{split}'")
    cache.mkdir(parents=True, exist_ok=True)

    def shard(name):
        kept = cache / (name.replace("/", "_") + ".npy")
        if not kept.exists():
            scratch = kept.with_suffix(".tmp.npy")
            np.save(scratch, _decode(folder / name))
            os.replace(scratch, kept)
        return np.load(kept, mmap_mode="r")

    names = sorted({row["file"] for row in rows})
    with ThreadPoolExecutor(2) as pool:
        pcm = dict(zip(names, pool.map(shard, names)))
    clips = []
    for row in rows:
        begin, length = round(float(row["start_s"]) * RATE), round(float(row["seconds"]) * RATE)
        clip = pcm[row["file"]][begin:begin + length]
        if len(clip) < length // 2 or not len(clip):
            raise PackError(f"{row['file']}: the clip at {row['start_s']} s lies beyond the end of the file")
        clips.append((row, clip))
    return clips


def gate_floor(x):
    """Takes a steady noise floor off a clean recording: spectral subtraction against its quiet tenth."""
    if len(x) < 4096:
        return x
    n, hop = 1024, 256
    window = np.sqrt(np.hanning(n + 1)[:-1])
    padded = np.pad(x, (n, n + hop))
    count = (len(padded) - n) // hop + 1
    frames = np.lib.stride_tricks.sliding_window_view(padded, n)[::hop][:count] * window
    spec = np.fft.rfft(frames)
    magnitude = np.abs(spec)
    inside = magnitude[4:-5]
    floor = np.quantile(inside, 0.1, axis=0)
    gain = np.clip(1 - (2.5 * floor / (magnitude + 1e-9)) ** 2, 0.03, 1)
    gain = np.minimum(1, (gain + np.roll(gain, 1, 0) + np.roll(gain, -1, 0)) / 3 * 1.05)
    frames = np.fft.irfft(spec * gain) * window
    out = np.zeros(len(padded) + n)
    for i, frame in enumerate(frames):
        out[i * hop:i * hop + n] += frame
    return (out[n:n + len(x)] / 2).astype(np.float32)


def _rms(x):
    return float(np.sqrt(np.mean(np.square(x)) + 1e-12))


def _active_rms(x):
    """Level of the louder half of the 20 ms frames."""
    frames = x[:len(x) // 960 * 960].reshape(-1, 960)
    power = np.sort((frames ** 2).mean(1))
    return float(np.sqrt(power[len(power) // 2:].mean() + 1e-12))


def _equalise(x, rng, strength_db):
    """A smooth random frequency response."""
    spec = np.fft.rfft(x)
    f = np.linspace(0, RATE / 2, len(spec))
    knots = np.concatenate([[0], np.geomspace(60, RATE / 2, 7)])
    gain = np.interp(f, knots, rng.normal(0, strength_db, len(knots)))
    return np.fft.irfft(spec * 10 ** (gain / 20), len(x)).astype(np.float32)


def _room(rng):
    """(response, response of the target): a direct path, sparse early reflections, a diffuse tail.
    The target keeps what arrives early and loses the tail."""
    t60 = rng.uniform(0.1, 0.7)
    n = int(t60 * RATE)
    t = np.arange(n) / RATE
    tail = rng.normal(0, 1, n) * 10 ** (-3 * t / t60)
    spec = np.fft.rfft(tail)
    f = np.linspace(0, RATE / 2, len(spec))
    tail = np.fft.irfft(spec / np.sqrt(1 + (f / rng.uniform(3000, 9000)) ** 2), n)  # walls eat treble
    tail[:int(rng.uniform(0.002, 0.01) * RATE)] = 0
    ratio_db = rng.uniform(0, 14)
    tail *= 10 ** (-ratio_db / 20) / (np.sqrt((tail ** 2).sum()) + 1e-9)
    response = tail
    response[0] += 1
    early = response * np.where(t < 0.02, 1, 10 ** (-3 * (t - 0.02) / 0.12))
    return response.astype(np.float32), early.astype(np.float32)


def _convolve(x, h):
    n = len(x) + len(h) - 1
    size = 1 << (n - 1).bit_length()
    return np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(h, size), size)[:len(x)].astype(np.float32)


class Mixer:
    """Seeded source of (noisy, clean, bandwidth in Hz) examples; example(i) depends on the seed and i alone."""

    def __init__(self, clips, seconds, seed):
        self.samples = int(seconds * 100) * 480
        self.seed = seed
        speech = [(row, clip) for row, clip in clips if row["kind"] == "speech"]
        self.speakers = {}
        for row, clip in speech:
            self.speakers.setdefault(row["speaker_or_source"], []).append((row, clip))
        self.noises = [clip for row, clip in clips if row["kind"] == "noise"]
        if not self.speakers or not self.noises:
            raise PackError("the pack needs speech and noise in this split")
        self.names = sorted(self.speakers)
        # Half of the weight by speaker, half by minutes: many voices, and enough of the long ones.
        minutes = np.array([sum(len(clip) for _, clip in self.speakers[name]) for name in self.names], float)
        weight = 0.5 / len(self.names) + 0.5 * minutes / minutes.sum()
        self.weight = weight / weight.sum()
        lengths = np.sqrt(np.array([len(clip) for clip in self.noises], float))
        self.noise_weight = lengths / lengths.sum()

    def _speech(self, rng):
        name = self.names[rng.choice(len(self.names), p=self.weight)]
        clips = self.speakers[name]
        out = np.zeros(self.samples, np.float32)
        bandwidth = RATE / 2
        at = int(rng.integers(0, RATE // 2)) if rng.random() < 0.7 else 0
        while at < self.samples:
            row, clip = clips[rng.integers(len(clips))]
            x = np.asarray(clip, np.float32) / 32768
            if any(noisy in row["file"] for noisy in NOISY_SPEAKERS):
                x = gate_floor(x)
            if at == 0 and len(x) > self.samples // 2:
                x = x[rng.integers(0, len(x) // 2):]
            n = min(len(x), self.samples - at)
            out[at:at + n] = x[:n]
            bandwidth = min(bandwidth, float(row["bandwidth_hz"] or RATE / 2))
            at += n + int(rng.integers(RATE // 20, RATE))
        return out, bandwidth

    def _recorded(self, rng):
        out = np.zeros(self.samples, np.float32)
        at = 0
        fill = rng.random() < 0.7  # otherwise single events with silence between
        while at < self.samples:
            x = np.asarray(self.noises[rng.choice(len(self.noises), p=self.noise_weight)], np.float32) / 32768
            if len(x) > self.samples - at:
                begin = rng.integers(0, len(x) - (self.samples - at) + 1)
                x = x[begin:begin + self.samples - at]
            out[at:at + len(x)] += x / (_rms(x) + 1e-4) * 0.05
            at += len(x) + (0 if fill else int(rng.integers(0, RATE)))
        return out

    def _synthetic(self, rng):
        kind = rng.random()
        n = self.samples
        t = np.arange(n) / RATE
        spec = np.fft.rfft(rng.normal(0, 1, n))
        f = np.maximum(np.linspace(0, RATE / 2, len(spec)), 20)
        spec = spec * f ** (-rng.uniform(0, 1.1))
        if rng.random() < 0.4:  # band-limited
            centre = rng.uniform(2, 4)
            spec = spec * np.exp(-((np.log10(f) - centre) / rng.uniform(0.1, 0.8)) ** 2)
        x = np.fft.irfft(spec, n)
        x /= _rms(x)
        if kind < 0.35:  # modulated
            rate = rng.uniform(0.3, 12)
            depth = rng.uniform(0.3, 1)
            x *= 1 - depth / 2 + depth / 2 * np.sin(2 * np.pi * (rate * t + rng.random()))
        elif kind < 0.6:  # hum of the mains or a motor
            base = rng.choice([50, 60]) if rng.random() < 0.6 else rng.uniform(70, 500)
            hum = sum(rng.uniform(0, 1) / (k + 1) ** rng.uniform(0, 1.5) *
                      np.sin(2 * np.pi * (base * (k + 1) * t + rng.random())) for k in range(rng.integers(2, 24)))
            x = x * rng.uniform(0, 0.5) + hum / _rms(hum)
        return (x / _rms(x) * 0.05).astype(np.float32)

    def _babble(self, rng):
        out = np.zeros(self.samples, np.float32)
        for _ in range(rng.integers(3, 9)):
            voice, _ = self._speech(rng)
            out += np.roll(voice, rng.integers(self.samples)) * 10 ** (rng.uniform(-6, 6) / 20)
        if rng.random() < 0.5:
            out = _convolve(out, _room(rng)[0])
        return out / (_rms(out) + 1e-6) * 0.05

    def _noise(self, rng):
        out = np.zeros(self.samples, np.float32)
        for _ in range(1 + (rng.random() < 0.4) + (rng.random() < 0.15)):
            draw = rng.random()
            make = self._recorded if draw < 0.68 else self._synthetic if draw < 0.9 else self._babble
            x = make(rng)
            if rng.random() < 0.5:
                x = _equalise(x, rng, 5)
            out += x * 10 ** (rng.uniform(-8, 4) / 20)
        return out

    def example(self, index):
        rng = np.random.default_rng([self.seed, index])
        noise = self._noise(rng)
        level = 10 ** (rng.normal(-26, 6) / 20)
        draw = rng.random()
        if draw < 0.05:  # nobody speaks
            noisy = noise / _rms(noise) * level * 10 ** (rng.uniform(-25, 0) / 20)
            clean, bandwidth = np.zeros_like(noisy), RATE / 2
        else:
            speech, bandwidth = self._speech(rng)
            speech = _equalise(speech, rng, 3) if rng.random() < 0.5 else speech
            target = speech
            if rng.random() < 0.35:
                response, early = _room(rng)
                speech, target = _convolve(speech, response), _convolve(speech, early)
            snr = 45.0 if draw < 0.10 else rng.uniform(-8, 20) if draw < 0.85 else rng.uniform(20, 35)
            gain = level / max(_active_rms(speech), 1e-4)
            noise = noise * (level * 10 ** (-snr / 20) / _rms(noise))
            clean, noisy = target * gain, speech * gain + noise
        peak = np.abs(noisy).max()
        if peak > 0.99:
            noisy, clean = noisy * (0.99 / peak), clean * (0.99 / peak)
        return noisy.astype(np.float32), clean.astype(np.float32), np.float32(bandwidth)
