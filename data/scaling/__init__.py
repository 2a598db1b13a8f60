"""Work in several processes, as on several machines (lesson 8).

    python -m data.scaling train FOLDER                     training, by Ray Train
    python -m data.scaling predict NETWORK PICTURES OUT     prediction, by Ray Data
    python -m data.scaling serve ADDRESS                    a worker of tf.data's service
    python -m data.scaling rate                             training steps per second

`started` runs one of them from a notebook. All of them start processes on this machine alone, end
when the process that started them does, and say in a sentence what went wrong. They listen on
127.0.0.1, which no other machine reaches; only tf.data's dispatcher knows no such setting.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent.parent


def free_address() -> str:
    """An address on this machine where nobody listens yet."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{place.getsockname()[1]}"


def stop(process: psutil.Process) -> None:
    """Kill a process and all that it has started, and wait until they are gone."""
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for each in family:
        try:
            each.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=10)


@contextmanager
def started(*arguments: object, limit: float = 120) -> Iterator[Iterator[str]]:
    """Runs a command of this package and gives its lines as they come.

    After `limit` seconds, and where the `with` block ends before it, the command and all that it
    has started are killed. The lines raise RuntimeError, with what the command said last, where it
    fails or takes too long.
    """
    command = [sys.executable, "-m", "data.scaling", *map(str, arguments)]
    environment = os.environ | {
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    with (
        tempfile.TemporaryDirectory(prefix="s", ignore_cleanup_errors=True) as place,
        tempfile.TemporaryFile("w+") as complaints,
    ):
        environment["TMPDIR"] = place  # so that nothing is left behind, however the command ends
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": complaints}
        process = subprocess.Popen(command, env=environment, text=True, **pipes)
        family, late = psutil.Process(process.pid), threading.Event()

        def give_up() -> None:
            late.set()
            stop(family)

        def lines() -> Iterator[str]:
            for line in process.stdout:
                yield line.rstrip("\n")
            # What `stop` has waited for has no exit status left, and would count as a success.
            if process.wait() or late.is_set():
                complaints.seek(0)
                said = [line for line in complaints.read().splitlines() if line.strip()]
                why = f"took more than {limit} s" if late.is_set() else " ".join(said[-1:])
                raise RuntimeError(f"`{' '.join(command[2:5])}`: {why or process.returncode}")

        timer = threading.Timer(limit, give_up)
        timer.start()
        try:
            yield lines()
        finally:
            timer.cancel()
            stop(family)
            process.wait()
            process.stdin.close()
            process.stdout.close()
