"""Noisy speech with its clean reference, where no recordings are at hand: a synthetic voice in coloured
noise of a fixed seed.

usage: synthetic.py NOISY.wav CLEAN.wav      48 kHz, mono, 16 bit, at 5 dB
"""
import subprocess
import sys
import tempfile
import wave

import numpy as np

RATE_HZ = 48_000
SNR_DB = 5
SEED = 20261120
SENTENCES = (
    "The quiet room is full of voices when the friends arrive. "
    "Somebody opens the window, and the noise of the street comes in. "
    "Please speak a little slower, so that all of us can hear you."
)


def speak():
    with tempfile.TemporaryDirectory() as folder:
        spoken, resampled = folder + "/spoken.wav", folder + "/resampled.wav"
        subprocess.run(["espeak-ng", "-v", "en", "-s", "150", "-w", spoken, SENTENCES], check=True)
        subprocess.run(["sox", spoken, "-r", str(RATE_HZ), "-c", "1", "-b", "16", resampled], check=True)
        with wave.open(resampled, "rb") as file:
            return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float) / 32768


def coloured_noise(count, random):
    """Pink noise whose loudness wanders slowly, as that of a street does."""
    spectrum = np.fft.rfft(random.standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / RATE_HZ)
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(frequency, 40)), count)
    seconds = np.arange(count) / RATE_HZ
    return noise * (1 + 0.4 * np.sin(2 * np.pi * 0.37 * seconds)) / noise.std()


def write(path, samples):
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.clip(np.round(samples * 32767), -32768, 32767).astype("<i2").tobytes())


def main(noisy_path, clean_path):
    pause = np.zeros(RATE_HZ // 2)
    clean = np.concatenate([pause, speak(), pause])
    clean *= 0.05 / np.sqrt(np.mean(clean**2))
    noise = coloured_noise(len(clean), np.random.default_rng(SEED))
    noise *= np.sqrt(np.mean(clean**2)) * 10 ** (-SNR_DB / 20)
    write(noisy_path, clean + noise)
    write(clean_path, clean)


if __name__ == "__main__":
    main(*sys.argv[1:])
