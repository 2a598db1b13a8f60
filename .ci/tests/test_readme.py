"""The README's claims: its commands, files, figures and tables."""

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest
import requests
from bs4 import BeautifulSoup
from nbformat.v4 import new_markdown_cell, new_notebook
from PIL import Image
from toys import python

import notebooks
import readme
import unet_helpers
from data import checkpoints, colab
from data.scaling import cluster
from notebooks import ROOT

TEXT = readme.README.read_text(encoding="utf-8")
ENVIRONMENT = "python3 -m venv .venv && .venv/bin/pip install -q -r requirements.txt && "


def commands(start: str) -> list[str]:
    """Return the lines of the README's code blocks that begin with `start`."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.split("\n") if line.startswith(start)]


def test_figures_and_tables_are_those_of_the_notebooks() -> None:
    assert readme.stale() == []


def test_two_commands_of_one_line() -> None:
    course, tests = commands(ENVIRONMENT)
    assert course == f"{ENVIRONMENT}.venv/bin/python .ci/notebooks.py pages"
    assert tests == f"{ENVIRONMENT}.venv/bin/python -m pytest"


def test_pages_of_the_course_command_describe_their_figures() -> None:
    # nbconvert's own default template leaves out the alt texts that the notebooks hold.
    for path in notebooks.lessons():
        pictures = re.findall(r"<img[^>]*>", notebooks.page(notebooks.read(path)))
        assert pictures, path.stem
        for picture in pictures:
            alt = re.search(r'alt="([^"]+)"', picture)
            assert alt, path.stem
            assert not alt[1].startswith("No description"), path.stem


def test_every_link_of_the_pages_leads_somewhere() -> None:
    readme_page = new_notebook(cells=[new_markdown_cell(TEXT)])
    texts = {"index.html": notebooks.page(readme_page, folder=".")}
    for path in notebooks.lessons():
        texts[f"{path.stem}.html"] = notebooks.page(notebooks.read(path))
    soups = {name: BeautifulSoup(text, "html.parser") for name, text in texts.items()}
    ids = {name: {tag["id"] for tag in soup.select("[id]")} for name, soup in soups.items()}
    for name, soup in soups.items():
        links = [tag["href"] for tag in soup.select("a[href]")]
        links += [tag["src"] for tag in soup.select("img[src]")]
        for link in links:
            if re.match(r"[a-z]+:", link):
                continue
            target, _, anchor = link.partition("#")
            if (target or name) in ids:
                assert not anchor or unquote(anchor) in ids[target or name], f"{name}: {link}"
            else:
                place = ROOT / "data" / "runs" / "pages" / target
                assert Path(os.path.normpath(place)).exists(), f"{name}: {link}"


def test_minutes_of_all_lessons_are_those_measured() -> None:
    measured = notebooks.read_measured()["seconds"].values()
    total = sum(seconds["cpu"] for seconds in measured) / 60
    (said,) = re.findall(r"Run all lessons from top to bottom, in about (\d+) minutes", TEXT)
    assert abs(int(said) - total) <= 5, f"{total:.0f} were measured"


def test_windows_commands_are_the_same_commands() -> None:
    twins = [line.replace("/", "\\") for line in commands(ENVIRONMENT)]
    twins = [
        line.replace("python3 -m venv", "python -m venv").replace("bin", "Scripts")
        for line in twins
    ]
    windows = [line.replace("/", "\\") for line in commands("python -m venv")]
    assert windows == twins


def test_ci_runs_the_commands_of_the_readme() -> None:
    # .ci/run reads them from the README itself; the workflow calls .ci/run or spells them out.
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for ending in ("pytest", "pages"):
        pattern = re.search(rf"grep -m1 '(\S.*{ending}\$)' README.md", script)
        found = [line for line in TEXT.split("\n") if re.search(pattern[1], line)]
        assert found[:1] == [line for line in commands(ENVIRONMENT) if line.endswith(ending)]
    workflow = (ROOT / ".github" / "workflows" / "course.yml").read_text(encoding="utf-8")
    for line in commands(ENVIRONMENT) + commands("python -m venv"):
        assert line in workflow


def test_files_it_names_exist() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert [
        link for link in links if not link.startswith("http") and not (ROOT / link).exists()
    ] == []
    made = {"data/runs", "data/fire_seg", ".venv"}
    names = re.findall(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:py|md|txt|json))`", TEXT)
    missing = [name for name in names if not (ROOT / name).exists()]
    assert [name for name in missing if not name.startswith(tuple(made))] == []


def test_every_lesson_and_figure_is_shown() -> None:
    for path in notebooks.lessons():
        assert f"](notebooks/{path.name})" in TEXT
    for path in readme.IMAGES.iterdir():
        assert re.search(rf"!\[[^\]]+\]\(readme_images/{re.escape(path.name)}\)", TEXT), path.name


def test_moving_picture_comes_first_and_stops() -> None:
    first = re.search(r"!\[[^\]]+\]\((.*?)\)", TEXT)[1]
    picture = Image.open(ROOT / first)
    assert picture.n_frames > 10 and picture.info["loop"] <= 5
    assert (ROOT / first).stat().st_size <= 1_500_000


def test_python_versions_agree() -> None:
    first, last = re.search(r"Python (3\.\d+) to (3\.\d+)", TEXT).groups()
    workflow = (ROOT / ".github" / "workflows" / "course.yml").read_text(encoding="utf-8")
    versions = re.search(r"python: \[(.*?)\]", workflow)[1]
    assert shlex.split(versions.replace(",", " ")) == [first, last]


def test_messages_are_those_that_a_reader_meets(tmp_path: Path, monkeypatch, capsys) -> None:
    rows = re.search(r"## When something goes wrong\n(.*?)\n## ", TEXT, re.DOTALL)[1]
    promised = re.findall(r"^\| `(.+?)` \|", rows, re.MULTILINE)
    others = {
        "OOM when allocating tensor",
        "The kernel appears to have died",
    }  # TensorFlow, Jupyter
    met = []

    def meet(kind: type[BaseException], call: Callable[[], object]) -> None:
        with pytest.raises(kind) as caught:
            call()
        met.append(str(caught.value))

    def fail(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    set_up = next(
        cell for cell in notebooks.read(notebooks.lessons()[0]).cells if cell.id == "setup"
    )
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path)
        meet(AssertionError, lambda: exec(set_up.source, {}))  # noqa: S102
        patch.setenv("TFDS_DATA_DIR", str(tmp_path))
        patch.setattr(requests, "get", fail)
        meet(RuntimeError, lambda: unet_helpers.load_pets(unet_helpers.Course("full", 7)))
        patch.setattr(unet_helpers.keras.applications, "MobileNetV2", fail)
        meet(RuntimeError, lambda: unet_helpers.mobilenetv2_unet(2, "imagenet", 0.35))
        patch.setattr(colab, "imports", lambda module: module != "keras_cv")
        patch.setattr(colab, "install", lambda *_, **__: None)
        patch.setattr(colab.metadata, "version", lambda _: "99.0")
        meet(ImportError, colab.prepare)
        met.append(capsys.readouterr().out)
        patch.setattr("ray.init", fail)
        meet(RuntimeError, lambda: cluster.start(2, "place"))
    pair = tmp_path / "images", tmp_path / "masks"
    for folder in pair:
        folder.mkdir()
        Image.new("L" if folder.name == "masks" else "RGB", (32, 32), 7).save(folder / "a.png")
    meet(ValueError, lambda: unet_helpers.load_folder(*pair, unet_helpers.FIRE))
    with checkpoints.lock(tmp_path / "runs" / "a"):
        meet(RuntimeError, lambda: checkpoints.lock(tmp_path / "runs" / "a").__enter__())
    (tmp_path / "keras_cv.py").write_text("from keras import what_is_gone")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import unet_helpers"
    met.append(python(code).stderr)
    assert others < set(promised)
    for message in set(promised) - others:
        assert any(message in each for each in met), message
