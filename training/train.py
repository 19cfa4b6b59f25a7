#!/usr/bin/python3
"""Trains the small denoiser. Seeded, resumable, bounded in time.

train.py --data PACK --work FOLDER --minutes 120

A run that is stopped (or killed) goes on from its last checkpoint when it is started again with the
same --work; --minutes counts the processor time of the steps, over all runs, so that a pause costs nothing.
"""
import argparse
import dataclasses
import json
import math
import os
import pathlib
import sys
import time

import numpy as np
import torch
from torch import nn

from mixtures import Mixer, PackError, load_pack
from network import BINS, HOP, Network, Shape

CHECKPOINT_SECONDS = 120


class Examples(torch.utils.data.Dataset):
    def __init__(self, mixer, first, count):
        self.mixer, self.first, self.count = mixer, first, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return self.mixer.example(self.first + index)


def compressed(spec, power=0.3):
    magnitude = torch.sqrt(spec.real ** 2 + spec.imag ** 2 + 1e-14)
    small = magnitude ** power
    return small, spec * (small / magnitude)


def spectral_loss(ours, clean, weight):
    """Mean squared error of compressed magnitudes and compressed complex values, where weight is 1."""
    m, c = compressed(ours)
    n, d = compressed(clean)
    e = c - d
    return (((m - n) ** 2 + 0.5 * (e.real ** 2 + e.imag ** 2)) * weight).sum() / weight.sum().clamp(min=1)


def band_weight(bandwidth, bins):
    """1 up to where the recording of the speech ends; above it nobody knows what is right."""
    f = torch.linspace(0, 24000, bins)
    return (f[None] <= bandwidth[:, None]).float()[:, None]


class Loss:
    def __init__(self):
        self.windows = {n: torch.hann_window(n) for n in (512,)}

    def __call__(self, network, noisy, clean, bandwidth):
        spec, target = network.analyse(noisy), network.analyse(clean)
        ours, lsnr = network(spec)
        weight = band_weight(bandwidth, BINS).expand(-1, spec.shape[1], -1)
        loss = 10 * spectral_loss(ours, target, weight)
        wave, reference = network.synthesise(ours), nn.functional.pad(clean, (HOP, -HOP))
        for n, window in self.windows.items():
            a, b = (torch.stft(x, n, n // 2, window=window, return_complex=True).transpose(1, 2) / n ** 0.5
                    for x in (wave, reference))
            w = band_weight(bandwidth, n // 2 + 1).expand(-1, a.shape[1], -1)
            loss = loss + spectral_loss(a, b, w)
        speech = (target.abs() ** 2).sum(-1)
        rest = ((spec - target).abs() ** 2).sum(-1)
        true = (10 * torch.log10((speech + 1e-12) / (rest + 1e-12))).clamp(-15, 35)
        return loss + 1e-4 * ((lsnr - true) ** 2).mean()


class State:
    """Everything a run needs to go on."""

    def __init__(self, work, shape, rate):
        self.path = pathlib.Path(work) / "checkpoint.pt"
        self.network = Network(shape)
        self.average = {k: v.clone() for k, v in self.network.state_dict().items()}
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=rate, weight_decay=1e-3, betas=(0.9, 0.99))
        self.step = 0
        self.seconds = 0.0

    def load(self):
        if not self.path.exists():
            return False
        kept = torch.load(self.path)
        self.network.load_state_dict(kept["network"])
        self.average = kept["average"]
        self.optimiser.load_state_dict(kept["optimiser"])
        self.step, self.seconds = kept["step"], kept["seconds"]
        return True

    def save(self):
        scratch = self.path.with_suffix(".tmp")
        torch.save({"network": self.network.state_dict(), "average": self.average, "step": self.step,
                    "optimiser": self.optimiser.state_dict(), "seconds": self.seconds,
                    "shape": dataclasses.asdict(self.network.shape)}, scratch)
        os.replace(scratch, self.path)

    def follow(self, decay=0.998):
        """An exponential average of the weights: what is exported."""
        decay = min(decay, (1 + self.step) / (10 + self.step))
        for key, value in self.network.state_dict().items():
            if value.dtype.is_floating_point:
                self.average[key].lerp_(value, 1 - decay)
            else:
                self.average[key].copy_(value)


def train(options):
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    mixer = Mixer(load_pack(options.data, "train", pathlib.Path(options.work) / "cache"), options.seconds, options.seed)
    state = State(options.work, Shape(channels=options.channels, hidden=options.hidden), options.rate)
    if state.load():
        print(f"going on from step {state.step}, {state.seconds / 60:.1f} min", flush=True)
    print(f"{sum(p.numel() for p in state.network.parameters())} parameters", flush=True)
    loss_of, budget = Loss(), options.minutes * 60
    log = open(pathlib.Path(options.work) / "log.jsonl", "a")
    recent, bad, saved = [], 0, time.monotonic()
    while state.seconds < budget:
        loader = torch.utils.data.DataLoader(Examples(mixer, state.step * options.batch, 500 * options.batch),
                                             options.batch, num_workers=options.workers, prefetch_factor=4)
        for noisy, clean, bandwidth in loader:
            began = time.process_time()
            done = min(1.0, state.seconds / budget)
            warm = min(1.0, (state.step + 1) / 200)
            for group in state.optimiser.param_groups:
                group["lr"] = options.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
            loss = loss_of(state.network, noisy, clean, bandwidth)
            state.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(state.network.parameters(), 1.0)
            if not (torch.isfinite(loss) and torch.isfinite(norm)):
                bad += 1
                print(f"step {state.step}: the loss is not a number", flush=True)
                if bad > 3:
                    raise SystemExit("training diverged; the last good state is in " + str(state.path))
                state.load()
                break
            state.optimiser.step()
            state.step += 1
            state.follow()
            state.seconds += time.process_time() - began  # waiting for a busy machine is not training
            recent.append(loss.item())
            if state.step % 50 == 0:
                line = {"step": state.step, "minutes": round(state.seconds / 60, 2),
                        "loss": round(float(np.mean(recent)), 5)}
                print(json.dumps(line), file=log, flush=True)
                print(json.dumps(line), flush=True)
                recent = []
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                state.save()
                saved = time.monotonic()
            if state.seconds >= budget:
                break
    state.save()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with manifest.csv")
    parser.add_argument("--work", required=True, help="checkpoints, log and decoded audio")
    parser.add_argument("--minutes", type=float, required=True, help="training time, over all runs")
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of an example")
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    pathlib.Path(options.work).mkdir(parents=True, exist_ok=True)
    try:
        train(options)
    except PackError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
