"""Runs lesson 1 as Colab would: nothing there but the notebook, and Colab's own packages.

    python .ci/colab.py make FOLDER                in the course's own environment
    python .ci/colab.py run ADDRESS FOLDER         in one like Colab's

`make` leaves networks in FOLDER as training leaves them. ADDRESS is a folder with a git repository
of the course; the environment is made from .ci/colab.txt, and `run` changes it: it adds a stand-in
for the module google.colab, and the set-up cell installs what is missing. Asserts that TensorFlow,
Keras and NumPy keep their versions, that the course is fetched once though the set-up cell runs
twice, that every figure appears, and that Colab's older Keras can load what `make` has left.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from notebooks import lessons, read, run, setup_source, write

KEPT = ("tensorflow", "keras", "numpy")


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


def main(repository: Path, folder: Path) -> None:
    """Run lesson 1 against the course in `repository`, and load the networks in `folder`."""
    packages = Path(sysconfig.get_path("purelib"))
    (packages / "google" / "colab").mkdir(parents=True, exist_ok=True)
    (packages / "google" / "colab" / "__init__.py").write_text("")
    (packages / "colab_stand_in.pth").write_text("import google.colab\n")
    before = versions()
    lesson = lessons()[0]
    notebook = read(lesson)
    saved = figures(notebook)
    place = [cell.id for cell in notebook.cells].index("setup")
    setup = notebook.cells[place]
    setup.source = setup_source(repository.as_uri())
    notebook.cells.insert(place + 1, new_code_cell(setup.source, id="setup-again"))
    with tempfile.TemporaryDirectory() as name:
        write(notebook, Path(name) / lesson.name)
        done, seconds = run(Path(name) / lesson.name, {})
        assert (Path(name) / "course" / "unet_helpers.py").exists(), "the course was not fetched"
    assert versions() == before, f"{before} became {versions()}"
    assert figures(done) == saved, f"figures: {figures(done)} instead of {saved}"
    kept = ", ".join(f"{name} {version}" for name, version in before.items())
    print(f"{lesson.name}: {seconds:.0f} s, {saved.total()} figures; kept {kept}")
    command = [sys.executable, "-c", LOAD, str(repository), str(folder)]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]))
    else:
        main(Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve())
