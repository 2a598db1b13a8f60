"""Runs lessons as Colab would: nothing there but a notebook, and Colab's own packages.

    python .ci/colab.py make FOLDER                         in the course's own environment
    python .ci/colab.py run ADDRESS FOLDER [01 03 ...]      in one like Colab's

`make` leaves networks in FOLDER as training leaves them. ADDRESS is a folder with a git repository
of the course; the environment is made from .ci/colab.txt, and `run` changes it: it adds a stand-in
for the module google.colab, and the set-up cell installs what is missing. Each lesson runs in a
folder of its own, as it would on a machine of its own, with trainings of --epochs. Asserts that
TensorFlow, Keras, NumPy and protobuf keep their versions, that the course is fetched once though the
set-up cell runs twice, that every figure appears, and that Colab's older Keras can load what `make`
left.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from notebooks import find, read, run, setup_source, shorten, write

KEPT = ("tensorflow", "keras", "numpy", "protobuf")


def versions() -> dict[str, str]:
    """Return the versions installed now of the packages in KEPT."""
    code = f"import importlib.metadata as m, json; print(json.dumps({{n: m.version(n) for n in {KEPT}}}))"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
    return json.loads(output)


def figures(notebook: NotebookNode) -> Counter[str]:
    """Return the number of pictures by cell id."""
    return Counter(
        cell.id
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if any(kind.startswith("image/") for kind in output.get("data", {}))
    )


def make(folder: Path) -> None:
    """Save each of the course's networks, untrained."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    import unet_helpers
    from data import checkpoints

    made = {"unet": unet_helpers.unet(3, (4, 8), 32)}
    made["mobilenetv2_unet"] = unet_helpers.mobilenetv2_unet(2, None, 0.35, size=32)
    for name, model in made.items():
        (folder / name).mkdir(parents=True)
        checkpoints.save(model, folder / name / "best.keras")
        (folder / name / "log.csv").write_text("epoch,val_mean_iou\n0,0.5\n")


LOAD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from data import checkpoints
print([checkpoints.load(run)[0].name for run in sorted(Path(sys.argv[2]).iterdir())])
"""


def shortened(repository: Path, place: Path, epochs: int) -> Path:
    """Clone a repository of the course into `place`, with trainings of so many epochs."""
    subprocess.run(["git", "clone", "-q", "--depth=1", repository.as_uri(), place], check=True)
    shorten(place, epochs)
    who = ["-c", "user.name=ci", "-c", "user.email=ci@localhost"]
    subprocess.run(["git", *who, "commit", "-qam", "Short trainings"], cwd=place, check=True)
    return place


def open_in_colab(lesson: Path, repository: Path, before: dict[str, str]) -> None:
    """Run one lesson in an empty folder, with the set-up cell twice, and look at what it left."""
    notebook = read(lesson)
    saved = figures(notebook)
    place = [cell.id for cell in notebook.cells].index("setup")
    setup = notebook.cells[place]
    setup.source = setup_source(repository.as_uri())
    notebook.cells.insert(place + 1, new_code_cell(setup.source, id="setup-again"))
    with tempfile.TemporaryDirectory() as name:
        write(notebook, Path(name) / lesson.name)
        done, _, _ = run(Path(name) / lesson.name, {})
        assert (Path(name) / "course" / "unet_helpers.py").exists(), "the course was not fetched"
    assert versions() == before, f"{before} became {versions()}"
    assert figures(done) == saved, f"figures: {figures(done)} instead of {saved}"
    kept = ", ".join(f"{name} {version}" for name, version in before.items())
    print(f"{lesson.name}: {saved.total()} figures; kept {kept}", flush=True)


def colab(repository: Path, folder: Path, names: Sequence[str], epochs: int) -> None:
    """Run lessons against the course in `repository`, and load the networks in `folder`."""
    packages = Path(sysconfig.get_path("purelib"))
    (packages / "google" / "colab").mkdir(parents=True, exist_ok=True)
    for name in ("__init__", "output"):  # JAX imports the latter where it sees the former
        (packages / "google" / "colab" / f"{name}.py").write_text("")
    (packages / "colab_stand_in.pth").write_text("import google.colab\n")
    before = versions()
    with tempfile.TemporaryDirectory() as name:
        short = shortened(repository, Path(name, "short"), epochs)
        for lesson in find(names, short):
            open_in_colab(lesson, short, before)
    command = [sys.executable, "-c", LOAD, str(repository), str(folder)]
    subprocess.run(command, check=True)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("make", help="save untrained networks")
    command.add_argument("folder", type=Path)
    command = commands.add_parser("run", help="run lessons")
    command.add_argument("address", type=Path)
    command.add_argument("folder", type=Path)
    command.add_argument("names", nargs="*", metavar="NAME", help="01 or 01_data_loading; or all")
    command.add_argument("--epochs", type=int, default=1, help="of a training (%(default)s)")
    given = parser.parse_args()
    if given.command == "make":
        make(given.folder)
    else:
        colab(given.address.resolve(), given.folder.resolve(), given.names, given.epochs)


if __name__ == "__main__":
    main()
