"""Tests run on the sample, with a place of their own for what training leaves."""

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# Read in this process and in nbval's kernels: also where a GPU would make the lessons download the
# real data, and while somebody trains in data/runs.
os.environ.setdefault("COURSE_DATA", "sample")
if "COURSE_RUNS" not in os.environ:
    os.environ["COURSE_RUNS"] = tempfile.mkdtemp(prefix="course-runs-")
    atexit.register(shutil.rmtree, os.environ["COURSE_RUNS"], ignore_errors=True)


@pytest.fixture(autouse=True)
def no_figures_left() -> Iterator[None]:
    """Closes what a test left open, so that a test that counts figures counts its own."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture
def shown(monkeypatch, tmp_path: Path) -> list[object]:
    """What the helper displays and says; its data folder is an empty one of the test's own."""
    import unet_helpers
    from data import checkpoints, figures, sources

    for module in (unet_helpers, sources):
        monkeypatch.setattr(module, "DATA", tmp_path / "data")
    monkeypatch.setattr(unet_helpers, "RUNS", tmp_path / "data/runs")
    objects: list[object] = []
    monkeypatch.setattr(unet_helpers, "display", lambda thing, **_: objects.append(thing))
    monkeypatch.setattr(figures, "say", objects.append)
    for module in (figures, checkpoints):  # where nbval has brought one along
        monkeypatch.setattr(module, "get_ipython", lambda: None)
    unet_helpers.keras.utils.set_random_seed(0)
    return objects
