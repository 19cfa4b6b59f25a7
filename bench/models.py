#!/usr/bin/python3
"""Real-time factor per model on one thread, ours beside ONNX Runtime's, in one run on one machine.

models.py [--rounds N]     with a release build and ../shared (models, oracle) at hand

The two take turns, so that a machine that changes its speed changes both; medians of the rounds are
printed as Markdown, with the ratio of the medians. ONNX Runtime comes from npm (onnxruntime-node) into
build/ort; `whole` lets it see ten seconds at once, `stream` feeds it hop by hop.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = pathlib.Path(os.environ.get("HUSHCAST_SHARED", ROOT.parent / "shared"))
ORT = ROOT / "build/ort"
MODELS = {"deepfilternet2": "deepfilternet2", "deepfilternet2-full": "deepfilternet2",
          "deepfilternet2-ll": "deepfilternet2_ll", "deepfilternet3": "deepfilternet3"}


def onnxruntime():
    if not (ORT / "node_modules/onnxruntime-node").is_dir():
        ORT.mkdir(parents=True, exist_ok=True)
        (ORT / "package.json").write_text("{}")
        subprocess.run(["npm", "install", "--silent", "--no-fund", "--no-audit", "--ignore-scripts",
                        "onnxruntime-node"], cwd=ORT, check=True)
    return dict(os.environ, ORT_DIR=str(ORT))


def ort_us(mode, directory, environment):
    noisy = SHARED / "audio/dev/snr0_noisy.wav"
    run = subprocess.run(["node", SHARED / "tools/score/bench_ort.mjs", mode, SHARED / "models" / directory,
                          noisy, "10"], env=environment, check=True, capture_output=True, text=True)
    return json.loads(run.stdout.splitlines()[-1])["per_hop_us"]["p50"]


def ours_us():
    """Microseconds a hop and stream by benchmark name (`…/batch:N` processes N streams at once)."""
    run = subprocess.run([ROOT / "build/release/bench/denoise_engine_bench", "--benchmark_format=json",
                          "--benchmark_min_time=0.1"], check=True, capture_output=True, text=True)
    scale = {"ns": 1e-3, "us": 1, "ms": 1e3}
    return {b["name"]: b["real_time"] * scale[b["time_unit"]] / int(b["name"].rpartition("batch:")[2])
            for b in json.loads(run.stdout)["benchmarks"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    if not SHARED.is_dir():
        sys.exit("the official weights and the oracle of ../shared are needed for this comparison")
    environment = onnxruntime()
    figures = {}
    for _ in range(rounds):
        for name, us in ours_us().items():
            figures.setdefault(name, []).append(us)
        for directory in sorted(set(MODELS.values())):
            figures.setdefault(f"ONNX Runtime whole file, {directory}", []).append(
                ort_us("whole", directory, environment))
        # Only DeepFilterNet2 exists as a graph with explicit state. Its folder holds no config.ini.
        stateful = ROOT / "build/ort/stateful"
        stateful.mkdir(exist_ok=True)
        for folder in ("deepfilternet2", "deepfilternet2_stateful"):
            for file in (SHARED / "models" / folder).iterdir():
                if not (link := stateful / file.name).exists():
                    link.symlink_to(file.resolve())
        figures.setdefault("ONNX Runtime hop by hop, deepfilternet2", []).append(
            ort_us("stream", stateful, environment))
    limit = statistics.median(figures["ONNX Runtime hop by hop, deepfilternet2"])
    print("| what | µs a hop (median) | real-time factor | of ONNX Runtime hop by hop |\n|---|---:|---:|---:|")
    for name, values in figures.items():
        median = statistics.median(values)
        print(f"| {name} | {median:.0f} | {median / 1e4:.4f} | {median / limit:.2f} |")


if __name__ == "__main__":
    main()
