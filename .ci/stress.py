"""Kills a rank of lesson 8's training at random moments, and looks at what is left.

    python .ci/stress.py [RUNS]      20 without a number, about a minute each

One undisturbed training gives the hash that every other must end with. Prints a row for each run, and
fails where one lost or changed anything, or was silent for more than a minute.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np
import psutil

from data import scaling

EPOCHS, NEWS, SPAN = 4, 60, 12  # seconds: the four epochs take about so long


def pictures(folder: Path) -> None:
    """Discs on a ground, which are quick to draw."""
    rng = np.random.default_rng(0)
    rows, columns = np.indices((32, 32))
    centres = rng.uniform(8, 24, (64, 2, 1, 1))
    masks = np.hypot(rows - centres[:, 0], columns - centres[:, 1]) < 6
    images = rng.uniform(0, 120, (64, 32, 32, 3)) + 100 * masks[..., None]
    arrays = {"images": images.astype("uint8"), "masks": masks[..., None].astype("uint8")}
    np.savez(folder / "pictures.npz", **arrays)


def trained(folder: Path, moment: float | None) -> dict[str, object]:
    """Train; after so many seconds since the first epoch began, kill a rank. What came of it?"""
    ranks, killed, timer = {}, [], None
    last, silence = time.monotonic(), 0.0

    def kill() -> None:
        rank = random.choice(sorted(ranks))
        try:
            psutil.Process(ranks[rank]).kill()
            killed.append(rank)
        except psutil.NoSuchProcess:  # it has just ended
            pass

    with scaling.started("train", folder, "--epochs", EPOCHS, limit=800) as lines:
        for line in lines:
            now = time.monotonic()
            if ranks:  # the first epoch has begun
                silence = max(silence, now - last)
            last = now
            if found := re.match(r"rank (\d), process (\d+): epoch \d+ begins", line):
                ranks[int(found[1])] = int(found[2])
                if moment is not None and len(ranks) == 2 and timer is None:
                    timer = threading.Timer(moment, kill)
                    timer.start()
    if timer:
        timer.cancel()
    history = json.loads(line)
    return {
        "epochs": [each["epoch"] for each in history],
        "variables": history[-1]["variables"],
        "killed": killed,
        "longest silence": round(silence, 1),
    }


def main() -> None:
    """Command line."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        pictures(folder)
        right = trained(folder, None)
        print(f"undisturbed: {right}", flush=True)
        bad = 0
        for run in range(1, runs + 1):
            for kept in folder.glob("epoch-*"):
                shutil.rmtree(kept)
            start = time.monotonic()
            moment = random.uniform(0, SPAN)
            found = trained(folder, moment)
            took = time.monotonic() - start
            same = all(found[key] == right[key] for key in ("epochs", "variables"))
            fine = same and found["longest silence"] <= NEWS
            bad += not fine
            verdict = f"{'fine' if fine else 'BAD'} in {took:.0f} s, aimed at {moment:.1f} s"
            print(f"{run}: {verdict}: {found}", flush=True)
    if bad:
        sys.exit(f"{bad} of {runs} runs lost something, or were silent for over {NEWS} s")
    print(f"{runs} runs: each epoch once, the same variables to the bit")


if __name__ == "__main__":
    main()
