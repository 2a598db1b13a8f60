"""Tests run on the sample, with a place of their own for what training leaves."""

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Read in this process and in nbval's kernels: also where a GPU would make the lessons download the
# real data, and while somebody trains in data/runs.
os.environ.setdefault("COURSE_DATA", "sample")
# As unet_helpers says, but before the tests that import TensorFlow first: all train alike then.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
if "COURSE_RUNS" not in os.environ:
    os.environ["COURSE_RUNS"] = tempfile.mkdtemp(prefix="course-runs-")
    atexit.register(shutil.rmtree, os.environ["COURSE_RUNS"], ignore_errors=True)


# What must not run side by side: lessons that train for one another, whatever starts Ray or asks npm.
# Any other file is a group of its own.
TOGETHER = {
    "02_unet_from_scratch": "training",
    "03_mobilenetv2_transfer": "training",
    "04_fine_tuning": "training",
    "05_prediction_plots": "training",
    "07_export": "engines",
    "08_scaling_out": "engines",
    "test_demo": "engines",
    "test_scaling": "engines",
}


# What takes longest begins first, or one worker has nothing to do while the other ends it.
LONGEST = ("training", "engines", "06_own_data", "test_training", "test_helpers")


def group(nodeid: str) -> str:
    """The group of the test of this name."""
    stem = Path(nodeid.split("::")[0]).stem
    return TOGETHER.get(stem, stem)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the groups of tests by how long they take; each keeps its order."""
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(group(item.nodeid), len(ranks)))


class Groups(LoadScopeScheduling):
    """Gives a worker a file of tests at a time, or the files that belong together."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Groups:
    """Makes pytest-xdist, which runs two tests at a time, go by these groups."""
    return Groups(config, log)


@pytest.fixture(autouse=True)
def no_figures_left() -> Iterator[None]:
    """Closes what a test left open, so that a test that counts figures counts its own."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture
def eager() -> Iterator[None]:
    """Without graphs, whose making takes most of the time of a tiny run."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


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
