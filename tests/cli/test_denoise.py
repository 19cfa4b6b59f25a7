#!/usr/bin/python3
"""`hushcast denoise`: lengths, alignment, formats, memory, bad input, interruption."""
import os
import resource
import signal
import struct
import subprocess
import time
import unittest

import numpy as np

from program import PROGRAM, SHARED_MODELS, ProgramTest

FALLBACK = ("--model", "webrtc-ns")  # needs no weights
THROUGH = (*FALLBACK, "--atten-limit", "0")  # the sound passes, late as ever: what alignment needs


def wav(samples, rate, data_bytes=None):
    """A WAV file; `samples` is frames or frames x channels of int16, int32 or float32."""
    samples = np.asarray(samples)
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    width = samples.dtype.itemsize
    tag = 3 if samples.dtype.kind == "f" else 1
    data = samples.astype(samples.dtype.newbyteorder("<")).tobytes()
    size = len(data) if data_bytes is None else data_bytes
    return (b"RIFF" + struct.pack("<I", min(36 + size, 2**32 - 1)) + b"WAVEfmt "
            + struct.pack("<IHHIIHH", 16, tag, channels, rate, rate * channels * width,
                          channels * width, 8 * width)
            + b"data" + struct.pack("<I", size) + data)


def read_wav(path):
    """(samples as stored, rate) of a WAV file."""
    data = path.read_bytes()
    assert data[:4] == b"RIFF" and data[8:12] == b"WAVE", data[:12]
    at, found = 12, {}
    while at + 8 <= len(data):
        name, size = data[at:at + 4], struct.unpack_from("<I", data, at + 4)[0]
        found[name] = data[at + 8:at + 8 + size]
        at += 8 + size + size % 2
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", found[b"fmt "])
    if tag == 0xFFFE:
        tag = struct.unpack_from("<H", found[b"fmt "], 24)[0]
    if bits == 24:
        raw = np.frombuffer(found[b"data"], np.uint8).reshape(-1, 3)
        samples = (np.pad(raw, ((0, 0), (1, 0))).copy().view("<i4")[:, 0]) >> 8
    else:
        samples = np.frombuffer(found[b"data"], {(1, 16): "<i2", (1, 32): "<i4", (3, 32): "<f4",
                                                 (3, 64): "<f8", (1, 8): "u1"}[tag, bits])
    return samples.reshape(-1, channels), rate


def sweep(frames, rate, seed=0):
    """Something with one clear peak of autocorrelation: noise and a sweep that 48 kHz can carry."""
    t = np.arange(frames) / rate
    length = max(frames / rate, 1e-3)
    top_hz = min(0.35 * rate, 17_000)
    noise = np.random.default_rng(seed).standard_normal(frames)
    return 0.3 * np.sin(2 * np.pi * top_hz * (0.05 * t + 0.475 * t * t / length)) + 0.0005 * noise


def int16(x):
    return np.round(np.clip(x, -1, 1) * 32767).astype(np.int16)


def lag_of(late, reference):
    size = 1 << (len(late) + len(reference)).bit_length()
    c = np.fft.irfft(np.fft.rfft(late, size) * np.conj(np.fft.rfft(reference, size)), size)
    peak = int(np.argmax(c))
    return peak - size if peak > size // 2 else peak


class Denoise(ProgramTest):
    def write(self, name, content):
        (self.work / name).write_bytes(content)
        return self.work / name

    def left(self):
        return sorted(p.name for p in self.work.iterdir())

    def test_length_is_kept_at_every_rate(self):
        for rate in (8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000):
            for frames in (1, 2, 479, 480, 481, 1000, rate // 3):
                with self.subTest(rate=rate, frames=frames):
                    self.write("in.wav", wav(int16(sweep(frames, rate)), rate))
                    self.succeed("denoise", "-q", "in.wav", "out.wav", *FALLBACK)
                    samples, out_rate = read_wav(self.work / "out.wav")
                    self.assertEqual((len(samples), out_rate), (frames, rate))

    def test_output_is_aligned_with_input(self):
        for rate in (8000, 16000, 44100, 48000, 96000):
            with self.subTest(rate=rate):
                x = sweep(rate, rate)
                self.write("in.wav", wav(x.astype(np.float32), rate))
                self.succeed("denoise", "-q", "in.wav", "out.wav", *THROUGH)
                y = read_wav(self.work / "out.wav")[0][:, 0]
                self.assertEqual(lag_of(y, x), 0)
                # What the filters of the rate conversion take from the noise is all that is missing.
                self.assertGreater(10 * np.log10(np.sum(x**2) / np.sum((x - y)**2)), 40)

    def test_every_model_is_aligned(self):
        if not (SHARED_MODELS / "deepfilternet2").is_dir():
            self.skipTest("the official models are not beside the source tree")
        x = sweep(48000, 48000)
        self.write("in.wav", wav(x.astype(np.float32), 48000))
        for model in ("deepfilternet2", "deepfilternet2-full", "deepfilternet2-ll", "deepfilternet3"):
            with self.subTest(model=model):
                self.succeed("denoise", "-q", "in.wav", "out.wav", "--model", model, "--atten-limit",
                             "0", "--model-dir", SHARED_MODELS)
                y = read_wav(self.work / "out.wav")[0][:, 0]
                self.assertGreater(10 * np.log10(np.sum(x**2) / np.sum((x - y)**2)), 90)

    def test_noise_is_removed(self):
        noise = 0.05 * np.random.default_rng(2).standard_normal(48000 * 4)
        self.write("in.wav", wav(int16(noise), 48000))
        models = [("webrtc-ns", 6)]
        if (SHARED_MODELS / "deepfilternet2").is_dir():
            models.append(("deepfilternet2", 20))
        for model, least_db in models:
            with self.subTest(model=model):
                self.succeed("denoise", "-q", "in.wav", "out.wav", "--model", model, "--model-dir",
                             SHARED_MODELS)
                y = read_wav(self.work / "out.wav")[0][96000:, 0] / 32768
                self.assertGreater(20 * np.log10(np.std(noise) / max(np.std(y), 1e-9)), least_db)

    def test_attenuation_limit_limits(self):
        noise = 0.05 * np.random.default_rng(2).standard_normal(48000 * 4)
        self.write("in.wav", wav(int16(noise), 48000))
        self.succeed("denoise", "-q", "in.wav", "out.wav", *FALLBACK, "--atten-limit", "3")
        y = read_wav(self.work / "out.wav")[0][96000:, 0] / 32768
        lowered_db = 20 * np.log10(np.std(noise) / np.std(y))
        self.assertLess(lowered_db, 3.2)
        self.assertGreater(lowered_db, 1)

    def test_channels_stay_apart(self):
        left, right = sweep(48000, 48000, 1), sweep(48000, 48000, 2)[::-1]
        for channels in (2, 3, 8):
            with self.subTest(channels=channels):
                x = np.stack([left if c % 2 == 0 else right for c in range(channels)], 1)
                self.write("in.wav", wav(x.astype(np.float32), 48000))
                self.succeed("denoise", "-q", "in.wav", "out.wav", *THROUGH)
                y = read_wav(self.work / "out.wav")[0]
                self.assertEqual(y.shape, x.shape)
                np.testing.assert_allclose(y, x, atol=1e-5)

    def test_sample_format_is_kept(self):
        x = sweep(4800, 48000)
        for samples in (int16(x), (x * 2**31).astype(np.int32), x.astype(np.float32)):
            with self.subTest(format=samples.dtype.name):
                self.write("in.wav", wav(samples, 48000))
                self.succeed("denoise", "-q", "in.wav", "out.wav", *THROUGH)
                y = read_wav(self.work / "out.wav")[0][:, 0]
                self.assertEqual(y.dtype, samples.dtype)
                if samples.dtype == np.int16:  # nothing was removed, so nothing may have changed
                    np.testing.assert_array_equal(y, samples)

    def test_sample_format_is_chosen(self):
        x = sweep(4800, 48000)
        self.write("in.wav", wav(int16(x), 48000))
        steps = {"pcm8": 2**7, "pcm16": 2**15, "pcm24": 2**23, "pcm32": 2**31, "float32": 1,
                 "float64": 1}
        for name, scale in steps.items():
            with self.subTest(format=name):
                self.succeed("denoise", "-q", "in.wav", "out.wav", *THROUGH, "--format", name)
                y = read_wav(self.work / "out.wav")[0][:, 0].astype(float)
                if name == "pcm8":
                    y -= 128
                np.testing.assert_allclose(y / scale, x, atol=max(1 / scale, 1 / 2**15))

    def test_containers_there_and_back(self):
        x = sweep(44100, 44100)
        self.write("in.wav", wav(int16(x), 44100))
        for extension, frames in ((".flac", 44100), (".ogg", 44100), (".opus", 48000), (".mp3", 44100)):
            with self.subTest(extension=extension):
                self.succeed("denoise", "-q", "in.wav", "a" + extension, *THROUGH)
                self.succeed("denoise", "-q", "a" + extension, "out.wav", *THROUGH)
                y, rate = read_wav(self.work / "out.wav")
                self.assertEqual(rate, frames)  # one second; Opus knows no 44.1 kHz
                self.assertEqual(len(y), frames)
                if rate == 44100:
                    y = y[:, 0] / 32768
                    self.assertEqual(lag_of(y, x), 0)
                    self.assertGreater(10 * np.log10(np.sum(x**2) / np.sum((x - y)**2)), 12)

    def test_equal_input_makes_equal_files(self):
        self.write("in.wav", wav(sweep(9600, 48000).astype(np.float32), 48000))
        self.succeed("denoise", "-q", "in.wav", "a.wav", *FALLBACK)
        self.succeed("denoise", "-q", "in.wav", "b.wav", *FALLBACK)
        self.assertEqual((self.work / "a.wav").read_bytes(), (self.work / "b.wav").read_bytes())

    def peak_memory_bytes(self, *arguments):
        child = subprocess.Popen([PROGRAM, *arguments], cwd=self.work, env=self.environment())
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(child.returncode, 0)
        return usage.ru_maxrss * 1024

    def test_memory_does_not_grow_with_length(self):
        for name, seconds in (("short.wav", 10), ("long.wav", 600)):
            second = wav(int16(sweep(16000, 16000)), 16000)[44:]
            header = wav(np.zeros(0, np.int16), 16000, data_bytes=seconds * len(second))
            with open(self.work / name, "wb") as file:
                file.write(header)
                for _ in range(seconds):
                    file.write(second)
        short = self.peak_memory_bytes("denoise", "-q", "short.wav", "out.wav", *FALLBACK)
        long = self.peak_memory_bytes("denoise", "-q", "long.wav", "out.wav", *FALLBACK)
        self.assertEqual(len(read_wav(self.work / "out.wav")[0]), 600 * 16000)
        self.assertLess(long, short + 20_000_000)

    def test_what_is_no_number_becomes_silence(self):
        x = sweep(48000, 48000).astype(np.float32)
        x[100:110] = np.nan
        x[200:205] = np.inf
        x[300] = -np.inf
        x[400] = 1e30
        self.write("in.wav", wav(x, 48000))
        result = self.succeed("denoise", "-q", "in.wav", "out.wav", *THROUGH)
        self.assertIn("17 samples that are no numbers", result.stderr)
        y = read_wav(self.work / "out.wav")[0][:, 0]
        self.assertTrue(np.isfinite(y).all())
        np.testing.assert_allclose(y[1000:], x[1000:], atol=1e-5)

    def test_bad_input_has_a_sentence(self):
        sound = wav(int16(sweep(4800, 48000)), 48000)
        (self.work / "folder.wav").mkdir()
        self.write("empty.wav", b"")
        self.write("none.wav", wav(np.zeros(0, np.int16), 48000))
        self.write("text.wav", b"This is not a sound, it only says so by its name.")
        self.write("random.wav", np.random.default_rng(3).bytes(5000))
        self.write("header.wav", sound[:30])
        self.write("cut.wav", sound[:-1000])
        self.write("slow.wav", wav(int16(sweep(480, 48000)), 999))
        self.write("fast.wav", wav(int16(sweep(480, 48000)), 768001))
        self.write("wide.wav", wav(np.zeros((480, 9), np.int16), 48000))
        for name, sentence in (("missing.wav", "does not exist"),
                               ("folder.wav", "is a directory"),
                               ("empty.wav", "is empty"),
                               ("none.wav", "holds no sound"),
                               ("text.wav", "is not a sound file"),
                               ("random.wav", "is not a sound file"),
                               ("header.wav", "cannot be read as sound"),
                               ("cut.wav", "is cut off: 1000 bytes"),
                               ("slow.wav", "sample rate of 999 Hz"),
                               ("fast.wav", "sample rate of 768001 Hz"),
                               ("wide.wav", "9 channels"),
                               ("/dev/null", "is not a regular file")):
            with self.subTest(input=name):
                before = self.left()
                self.fail_with(sentence, "denoise", name, "out.wav", *FALLBACK)
                self.assertEqual(self.left(), before)

    def test_cut_off_flac_and_mp3_are_noticed(self):
        self.write("in.wav", wav(int16(sweep(96000, 48000)), 48000))
        self.succeed("denoise", "-q", "in.wav", "whole.flac", *THROUGH)
        self.write("cut.flac", (self.work / "whole.flac").read_bytes()[:-20000])
        before = self.left()
        self.fail_with("is cut off or damaged", "denoise", "cut.flac", "out.wav", *FALLBACK)
        self.assertEqual(self.left(), before)

    def test_length_unknown_to_the_writer_is_no_lie(self):
        """What programs that write WAV into a pipe leave in the header."""
        x = int16(sweep(4800, 48000))
        for promised in (0xFFFFFFFF, 0x7FFFFFFF, 0x80000000):
            self.write("in.wav", wav(x, 48000, data_bytes=promised))
            self.succeed("denoise", "-q", "in.wav", "out.wav", *THROUGH)
            np.testing.assert_array_equal(read_wav(self.work / "out.wav")[0][:, 0], x)

    def test_bad_output_has_a_sentence(self):
        self.write("in.wav", wav(int16(sweep(4800, 48000)), 48000))
        (self.work / "folder.wav").mkdir()
        os.symlink("in.wav", self.work / "link.wav")
        for name, sentence in (("in.wav", "is the input itself"),
                               ("./in.wav", "is the input itself"),
                               ("link.wav", "is the input itself"),
                               ("folder.wav", "is a directory"),
                               ("nowhere/out.wav", "cannot be written: No such file")):
            with self.subTest(output=name):
                before = self.left()
                self.fail_with(sentence, "denoise", "in.wav", name, *FALLBACK)
                self.assertEqual(self.left(), before)

    def test_full_disk_leaves_nothing(self):
        self.write("in.wav", wav(int16(sweep(480000, 48000)), 48000))
        before = self.left()
        for name in ("out.wav", "out.flac"):
            self.fail_with("cannot be written: File too large", "denoise", "in.wav", name, *FALLBACK,
                           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)))
            self.assertEqual(self.left(), before)

    def test_an_older_output_survives_a_failure(self):
        self.write("in.flac", b"fLaC and nothing else")
        self.write("out.wav", b"precious")
        self.fail_with("cannot be read as sound", "denoise", "in.flac", "out.wav", *FALLBACK)
        self.assertEqual((self.work / "out.wav").read_bytes(), b"precious")

    def test_interrupted_run_leaves_nothing(self):
        second = wav(int16(sweep(48000, 48000)), 48000)[44:]
        header = wav(np.zeros(0, np.int16), 48000, data_bytes=3600 * len(second))
        with open(self.work / "in.wav", "wb") as file:
            file.write(header)
            for _ in range(3600):
                file.write(second)
        for number in (signal.SIGINT, signal.SIGTERM):
            child = subprocess.Popen([PROGRAM, "denoise", "-q", "in.wav", "out.wav", *FALLBACK],
                                     cwd=self.work, env=self.environment())
            deadline = time.monotonic() + 60
            parts = []
            while not any(p.stat().st_size > 1000 for p in parts):  # it is under way
                self.assertLess(time.monotonic(), deadline)
                self.assertIsNone(child.poll())
                time.sleep(0.01)
                parts = list(self.work.glob(".out.wav.*.part"))
            child.send_signal(number)
            self.assertEqual(child.wait(timeout=60), 130)
            self.assertEqual(self.left(), ["in.wav"])

    def test_wrong_usage(self):
        self.write("in.wav", wav(int16(sweep(480, 48000)), 48000))
        for arguments in (("denoise",), ("denoise", "in.wav"), ("denoise", "in.wav", "out.xyz"),
                          ("denoise", "in.wav", "out"), ("denoise", "in.wav", "out.wav", "--format", "pcm7"),
                          ("denoise", "in.wav", "out.flac", "--format", "float32"),
                          ("denoise", "in.wav", "out.wav", "--atten-limit", "-1"),
                          ("denoise", "in.wav", "out.wav", "--atten-limit", "nan"),
                          ("denoise", "in.wav", "out.wav", "--no-such-option"), (), ("dance",)):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.run_program(*arguments).returncode, 2)
                self.assertEqual(self.left(), ["in.wav"])

    def test_model_that_is_not_there(self):
        self.write("in.wav", wav(int16(sweep(480, 48000)), 48000))
        self.fail_with("deepfilternet2, deepfilternet2-full", "denoise", "in.wav", "out.wav",
                       "--model", "deepfilternet9")
        self.fail_with("`hushcast model fetch deepfilternet3`", "denoise", "in.wav", "out.wav",
                       "--model", "deepfilternet3")
        self.assertEqual(self.left(), ["in.wav"])

    def test_without_weights_the_fallback_says_so(self):
        self.write("in.wav", wav(int16(sweep(480, 48000)), 48000))
        result = self.succeed("denoise", "-q", "in.wav", "out.wav")
        self.assertIn("WebRTC's simpler noise suppression is used", result.stderr)
        self.assertIn("`hushcast model fetch deepfilternet2`", result.stderr)

    def test_last_line_tells_what_was_done(self):
        self.write("in.wav", wav(int16(sweep(48000, 48000)), 48000))
        result = self.succeed("denoise", "in.wav", "out.wav", *FALLBACK)
        self.assertRegex(result.stderr, r"^out\.wav: 0:00:01 of sound in .*WebRTC noise suppression\n$")
        self.assertEqual(self.succeed("denoise", "-q", "in.wav", "out.wav", *FALLBACK).stderr, "")


if __name__ == "__main__":
    unittest.main()
