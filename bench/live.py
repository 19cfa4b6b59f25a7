#!/usr/bin/python3
"""Measures a running server from outside with an independent WebRTC load generator.

live.py delay              delay from RTP in to RTP out, denoise on and off, per model
live.py listeners          CPU per listener with 50, 200 and 500 listeners on one stream
live.py memory             resident memory per stream and per listener

Needs the load generator `rtcload` ($RTCLOAD, or built from ../shared/tools/rtcload) and a release build.
Everything stays on loopback and is bounded in time. Prints one JSON line per measurement.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = pathlib.Path(os.environ.get("HUSHCAST_SHARED", ROOT.parent / "shared"))
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """hushcast on a free loopback port with a data directory of its own."""

    def __init__(self, *arguments):
        self.data = tempfile.TemporaryDirectory()
        binary = os.environ.get("HUSHCAST_BINARY", ROOT / "build/release/hushcast")
        models = ["--model-dir", SHARED / "models"] if (SHARED / "models").is_dir() else []
        self.process = subprocess.Popen(
            [binary, "serve", "--data", self.data.name, "--listen", "127.0.0.1:0", *models, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"http://[^/ ]+", line)
        if not found:
            sys.exit(f"the server did not start: {line!r}")
        self.url = found[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        self.data.cleanup()

    def rss_kb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def threads_cpu_s(self):
        """CPU seconds so far by thread name."""
        seconds = {}
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            name, fields = re.match(r"\d+ \((.*)\) (.*)", (task / "stat").read_text()).groups()
            fields = fields.split()
            used = (int(fields[11]) + int(fields[12])) / TICKS
            seconds[name] = seconds.get(name, 0) + used
        return seconds


def rtcload():
    if "RTCLOAD" in os.environ:
        return os.environ["RTCLOAD"]
    build = SHARED / "tools/rtcload/build.sh"
    if not build.exists():
        sys.exit("no load generator: set $RTCLOAD")
    out = ROOT / "build/rtcload"
    if not out.exists():
        out.parent.mkdir(exist_ok=True)
        subprocess.run([build, out], check=True, stdout=sys.stderr)
    return out


def speech(folder):
    """Noisy speech as Ogg/Opus in 20 ms packets."""
    wav = SHARED / "audio/dev/mix_bar_10dB_noisy.wav"
    if not wav.exists():
        wav = pathlib.Path(folder) / "speech.wav"
        words = "The quick brown fox jumps over the lazy dog while the kettle boils in the kitchen. " * 3
        subprocess.run(["espeak-ng", "-w", wav, words], check=True)
        clean = wav.rename(wav.with_name("clean.wav"))
        subprocess.run(["sox", "-R", clean, "-r", "48000", "-c", "1", wav], check=True)
    ogg = pathlib.Path(folder) / "speech.ogg"
    subprocess.run(["opusenc", "--quiet", "--bitrate", "128", "--framesize", "20", wav, ogg], check=True)
    return ogg


def load(server, source, *arguments, name="bench", denoise=True):
    run = subprocess.run(
        [rtcload(), "-signal", "whip", "-publish-url",
         f"{server.url}/whip/{name}?denoise={int(denoise)}", "-listen-url", f"{server.url}/whep/{name}",
         "-source", source, "-server-pid", str(server.process.pid), *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if run.returncode:
        sys.exit(f"rtcload failed: {run.stdout[-2000:]}{run.stderr[-2000:]}")
    return json.loads(run.stdout)


def delay(source):
    for model in ("deepfilternet2", "deepfilternet2-full", "deepfilternet2-ll", "deepfilternet3"):
        for denoise in (True, False) if model == "deepfilternet2" else (True,):
            with Server("--model", model) as server:
                result = load(server, source, "-listeners", 3, "-probes", 3, "-duration", "15s",
                              denoise=denoise)
            print(json.dumps({"model": model, "denoise": denoise,
                              "latency_audio": result.get("latency_audio"),
                              "system": result.get("system")}), flush=True)


def listeners(source):
    for count in (50, 200, 500):
        with Server() as server:
            result = load(server, source, "-listeners", count, "-ramp", 60, "-duration", "15s",
                          "-probes", 1)
            print(json.dumps({"listeners": count, "connect": result.get("connect"),
                              "server": result.get("server"), "receive": result.get("receive"),
                              "system": result.get("system"),
                              "threads_cpu_s": server.threads_cpu_s()}), flush=True)


def publishers(server, source, count, seconds):
    return [subprocess.Popen(
        [rtcload(), "-signal", "whip", "-publish-url", f"{server.url}/whip/stream{i}", "-listen-url",
         f"{server.url}/whep/stream{i}", "-source", source, "-listeners", "1", "-probes", "0",
         "-duration", f"{seconds}s"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for i in range(count)]


def memory(source):
    """Slope of the resident set over streams (each with one listener), then over listeners."""
    import time
    points = []
    for count in (1, 4, 10):
        with Server() as server:
            running = publishers(server, source, count, 8)
            time.sleep(9)
            points.append((count, server.rss_kb()))
            for process in running:
                process.wait(60)
    slope = (points[-1][1] - points[0][1]) / (points[-1][0] - points[0][0])
    print(json.dumps({"rss_kb_by_streams": points, "kb_per_stream": round(slope, 1)}), flush=True)
    points = []
    for count in (50, 500):
        with Server() as server:
            result = load(server, source, "-listeners", count, "-ramp", 60, "-duration", "5s")
            points.append((count, result["server"]))
    print(json.dumps({"by_listeners": points}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["delay", "listeners", "memory"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        {"delay": delay, "listeners": listeners, "memory": memory}[arguments.what](speech(folder))


if __name__ == "__main__":
    main()
