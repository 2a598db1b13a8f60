"""A Ray of our own, on this machine alone."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from data.scaling import stop

ALONE = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # on Linux too: listen on 127.0.0.1 alone
    "RAY_USAGE_STATS_ENABLED": "0",  # it would report home
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # or it packs the folder where `uv run` starts it
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_worker_niceness": "0",  # or it waits for everything else that this machine computes
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
STARTS = 3  # Ray's helpers have 15 seconds to come up, too few on a busy machine (its issue 65983)


def start(workers: int, place: str) -> None:
    """Start a Ray in the folder `place`; raises RuntimeError where it does not come up."""
    import ray

    before = psutil.Process().children()
    for attempt in range(1, STARTS + 1):
        try:
            ray.init(
                address="local",
                num_cpus=workers,  # a promise, not a count: ranks may share a core
                include_dashboard=False,
                log_to_driver=False,
                logging_level="ERROR",
                object_store_memory=200 * 2**20,
                _temp_dir=place,
            )
            return
        except Exception as error:  # Ray raises no kind of its own here
            for process in psutil.Process().children():
                if process not in before:
                    stop(process)
            if attempt == STARTS:
                raise RuntimeError(f"Ray does not start: {error}") from error


@contextmanager
def ray_on(workers: int, **environment: str) -> Iterator[Path]:
    """Ray with room for so many workers, who get these environment variables too.

    Gives a folder of Ray's, which is deleted in the end. It listens on 127.0.0.1 alone. It is
    started anew and never the one that may be running here already, whose owner would see our
    processes among theirs. Raises RuntimeError where it cannot start.
    """
    os.environ |= ALONE | environment
    import ray

    place = tempfile.mkdtemp(prefix="r")  # short, as names of sockets have at most 107 letters
    try:
        start(workers, place)
        yield Path(place)
    finally:
        ray.shutdown()
        shutil.rmtree(place, ignore_errors=True)
