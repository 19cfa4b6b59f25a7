"""How close a sound came to its clean reference, when time may have been stretched on the way.

A browser's jitter buffer plays faster and slower as it likes, so the two are aligned anew in every
short window (0.25 s), to a fraction of a sample. Two figures come out:

  STOI    short-time objective intelligibility (Taal, Hendriks, Heusdens, Jensen, IEEE TASLP 19(7),
          2011), 0 ... 1, of the aligned windows put together
  SI-SDR  scale-invariant signal-to-distortion ratio (Le Roux et al., ICASSP 2019) in dB, the mean
          over the windows in which somebody speaks

usage: metrics.py CLEAN.wav SOUND.wav [SOUND.wav ...]      prints one JSON object per sound
"""
import json
import sys
import wave

import numpy as np

RATE_HZ = 48_000
WINDOW = RATE_HZ // 4
# How far a window may lie from where the loudest seconds put it: more than any jitter buffer grows.
REACH = int(0.4 * RATE_HZ)
# Candidates per window, at least half a millisecond apart: enough to hold the true one beside those that
# are a pitch period off.
PLACES = 12
PEAK_WIDTH = RATE_HZ // 2000
# Against a correlation of 1: a jump of 10 ms costs 0.1, and none costs more than 0.5.
JUMP_COST_PER_S = 10.0
JUMP_COST_MOST = 0.5
# Finer than a sixteenth of a sample changes the SI-SDR of speech by less than 0.01 dB.
FRACTIONS = np.arange(-16, 17) / 16
# A window belongs to speech when it is at most so much quieter than the loudest.
ACTIVE_RANGE_DB = 30
# One window of silence or of perfection must not decide the mean.
SI_SDR_RANGE_DB = (-10.0, 35.0)


def read_wav(path):
    """A 48 kHz WAV file as mono floats."""
    with wave.open(path, "rb") as file:
        if file.getframerate() != RATE_HZ or file.getsampwidth() != 2:
            raise SystemExit(f"{path}: 48 kHz, 16 bit expected")
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float) / 32768
        return samples.reshape(-1, file.getnchannels()).mean(axis=1)


def correlate(reference, sound):
    """Cross-correlation: element k is the product of `reference` with `sound` from sample k on."""
    size = 1 << int(np.ceil(np.log2(len(reference) + len(sound))))
    spectrum = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(reference, size))
    return np.fft.irfft(spectrum, size)[: max(1, len(sound) - len(reference) + 1)]


def running_energy(sound, count):
    """The energy of each stretch of `count` samples."""
    total = np.cumsum(np.concatenate(([0.0], sound**2)))
    return total[count:] - total[: len(total) - count]


def normalised(reference, sound):
    """Correlation coefficients of `reference` at every place in `sound` that holds all of it."""
    energy = running_energy(sound, len(reference))
    product = correlate(reference, sound)[: len(energy)]
    return product / np.sqrt(np.maximum(energy * np.sum(reference**2), 1e-12))


def delayed(sound, start, count, fraction):
    """`count` samples of `sound` from `start + fraction` on, by a phase ramp over a wider stretch."""
    margin = 256
    padded = np.zeros(count + 2 * margin)
    first, last = start - margin, start + count + margin
    inside = slice(max(0, first), min(len(sound), last))
    padded[inside.start - first: inside.stop - first] = sound[inside]
    frequency = np.fft.rfftfreq(len(padded))
    shifted = np.fft.irfft(np.fft.rfft(padded) * np.exp(2j * np.pi * frequency * fraction), len(padded))
    return shifted[margin: margin + count]


def coefficient(a, b):
    return float(np.dot(a, b) / np.sqrt(max(np.dot(a, a) * np.dot(b, b), 1e-12)))


def align(clean, sound):
    """Pieces of `sound`, each where it fits the window of `clean` best; None where it has none."""
    # The loudest two seconds find the place at large; each window then looks around it.
    long = min(2 * RATE_HZ, len(clean))
    if len(sound) < long:
        return []
    anchor = int(np.argmax(running_energy(clean, long)))
    lag = int(np.argmax(normalised(clean[anchor: anchor + long], sound))) - anchor
    windows = clean[: len(clean) // WINDOW * WINDOW].reshape(-1, WINDOW)
    active = is_active(windows)
    choices = [
        places(window, sound, index * WINDOW + lag) if active[index] else []
        for index, window in enumerate(windows)
    ]
    pieces = []
    for index, start in enumerate(best_path(choices, lag)):
        if not 0 <= start <= len(sound) - WINDOW:
            pieces.append(None)
            continue
        tries = [delayed(sound, start, WINDOW, fraction) for fraction in FRACTIONS]
        pieces.append(max(tries, key=lambda piece: coefficient(windows[index], piece)))
    return pieces


def places(window, sound, near):
    """Where in `sound` a window may lie, with how well it fits there: the few best peaks."""
    low, high = max(0, near - REACH), min(len(sound), near + WINDOW + REACH)
    if high - low < WINDOW:
        return []
    fit = normalised(window, sound[low:high])
    found = []
    for _ in range(PLACES):
        best = int(np.argmax(fit))
        found.append((low + best, float(fit[best])))
        fit[max(0, best - PEAK_WIDTH): best + PEAK_WIDTH] = -1
    return found


def best_path(choices, lag):
    """One place per window, so that all fit well and time jumps little; by dynamic programming."""
    paths = [(0.0, [], lag)]  # score, places so far, lag of the last
    for index, window in enumerate(choices):
        if not window:
            # Where nobody speaks nothing fits; there the neighbour knows better.
            paths = [(score, path + [index * WINDOW + last], last) for score, path, last in paths]
            continue
        extended = []
        for start, fit in window:
            here = start - index * WINDOW
            score, path, last = max(paths, key=lambda one: one[0] - jump_cost(here - one[2]))
            extended.append((score + fit - jump_cost(here - last), path + [start], here))
        paths = extended
    return max(paths, key=lambda one: one[0])[1]


def jump_cost(samples):
    return min(abs(samples) / RATE_HZ * JUMP_COST_PER_S, JUMP_COST_MOST)


def is_active(windows):
    levels = 10 * np.log10(np.mean(windows**2, axis=1) + 1e-12)
    return levels > levels.max() - ACTIVE_RANGE_DB


def si_sdr(clean, sound):
    clean, sound = clean - clean.mean(), sound - sound.mean()
    target = clean * (np.dot(sound, clean) / max(np.dot(clean, clean), 1e-12))
    ratio = np.dot(target, target) / max(np.sum((sound - target) ** 2), 1e-12)
    return float(np.clip(10 * np.log10(max(ratio, 1e-12)), *SI_SDR_RANGE_DB))


def resample(signal, rate_hz):
    """Band-limited, by cutting the spectrum."""
    count = len(signal) // 24 * 24
    short = count * rate_hz // RATE_HZ
    return np.fft.irfft(np.fft.rfft(signal[:count])[: short // 2 + 1], short) * short / count


def stoi(clean, sound):
    rate, frame, hop, size, bands, segment, floor_db = 10_000, 256, 128, 512, 15, 30, -15
    clean, sound = resample(clean, rate), resample(sound, rate)
    window = np.hanning(frame + 2)[1:-1]

    def frames(signal):
        starts = range(0, len(signal) - frame + 1, hop)
        return np.stack([signal[start: start + frame] * window for start in starts])

    framed = frames(clean), frames(sound)
    energy = 20 * np.log10(np.linalg.norm(framed[0], axis=1) + 1e-12)
    spoken = energy > energy.max() - 40

    def without_silence(part):
        kept = part[spoken]
        signal = np.zeros((len(kept) - 1) * hop + frame)
        for index, values in enumerate(kept):
            signal[index * hop: index * hop + frame] += values
        return signal

    centres = 150 * 2 ** (np.arange(bands) / 3)
    bins = np.arange(size // 2 + 1) * rate / size
    edges = np.stack([np.argmin(np.abs(bins - centre * 2 ** (side / 6))) for side in (-1, 1) for centre in centres])
    edges = edges.reshape(2, bands)

    def envelopes(part):
        power = np.abs(np.fft.rfft(frames(without_silence(part)), size)) ** 2
        return np.sqrt(np.stack([power[:, low:high].sum(axis=1) for low, high in edges.T]))

    x, y = envelopes(framed[0]), envelopes(framed[1])
    scores = []
    for end in range(segment, x.shape[1] + 1):
        a, b = x[:, end - segment: end], y[:, end - segment: end]
        gain = np.linalg.norm(a, axis=1, keepdims=True) / (np.linalg.norm(b, axis=1, keepdims=True) + 1e-12)
        b = np.minimum(b * gain, a * (1 + 10 ** (-floor_db / 20)))
        a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
        norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        scores.append(np.mean(np.sum(a * b, axis=1) / (norms + 1e-12)))
    return float(np.mean(scores))


def measure(clean, sound):
    pieces = align(clean, sound)
    windows = clean[: len(pieces) * WINDOW].reshape(-1, WINDOW)
    there = [index for index, piece in enumerate(pieces) if piece is not None]
    if len(there) * WINDOW < 2 * RATE_HZ:
        return {"stoi": 0.0, "si_sdr_db": SI_SDR_RANGE_DB[0], "covered": 0.0}
    active = is_active(windows)
    ratios = [si_sdr(windows[index], pieces[index]) for index in there if active[index]]
    joined = np.concatenate([pieces[index] for index in there])
    return {
        "stoi": stoi(np.concatenate([windows[index] for index in there]), joined),
        "si_sdr_db": float(np.mean(ratios)),
        "covered": len(there) / len(pieces),
        "worst_windows_db": [round(ratio, 1) for ratio in sorted(ratios)[:4]],
    }


if __name__ == "__main__":
    reference = read_wav(sys.argv[1])
    for name in sys.argv[2:]:
        print(json.dumps(measure(reference, read_wav(name))))
