"""The tools in .ci, tried on a course of two tiny lessons."""

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import finetuning
import notebooks
import readme
import reference
from data import colab as colab_file
from photographs import differences

LESSON = """\
# %% [markdown] id=title
# # First steps
#
# It adds two numbers.
#
# **You should know:** how to count.

# %% id=sum tags=readme-table-sums
from IPython.display import Markdown, display

display(Markdown("| sum |\\n| --- |\\n| 2 |"))

# %% [markdown] id=exercise-1
# ## A sum
#
# ## What is `next`?
#
# ### Exercise 1: Add three
#
# *Hint:*   two blanks  end here  

# %% id=solution-1 tags=hide-cell,solution
print(3)
"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course in a git repository: two lessons and a helper without TensorFlow."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / ".ci").mkdir()
    (tmp_path / "README.md").write_text("# A course\n")
    (tmp_path / "unet_helpers.py").write_text("def setup(seed):\n    return seed\n")
    notebooks.write_measured({"gigabytes": {}, "photographs": {}, "seconds": {}}, tmp_path)
    for name in ("01_first", "02_second"):
        notebooks.write(notebooks.pack(LESSON), tmp_path / "notebooks" / f"{name}.ipynb")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def state(course: Path) -> dict[str, bytes]:
    """Return the content of the notebooks of `course`."""
    return {path.name: path.read_bytes() for path in notebooks.lessons(course)}


def add(course: Path, source: str, *tags: str) -> None:
    """Append a code cell to the first lesson of `course`."""
    path = notebooks.lessons(course)[0]
    notebook = notebooks.read(path)
    notebook.cells.append(new_code_cell(source, id="added", metadata={"tags": list(tags)}))
    notebooks.write(notebook, path)


def test_text_form_survives_a_round_trip() -> None:
    notebook = notebooks.pack(LESSON)
    assert notebooks.unpack(notebook) == LESSON
    solution = notebook.cells[-1].metadata
    assert solution["jupyter"] == {"source_hidden": True, "outputs_hidden": True}
    assert solution["cellView"] == "form"


line = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), max_size=12)
source = st.lists(line, min_size=1, max_size=4).map(
    lambda lines: "\n".join(line for line in lines if not line.startswith("# %%")).strip()
)


@given(st.lists(st.tuples(st.booleans(), source), max_size=4))
def test_any_notebook_survives_a_round_trip(cells: list[tuple[bool, str]]) -> None:
    kinds = (new_code_cell, new_markdown_cell)
    made = [kinds[kind](text, id=f"cell-{i}") for i, (kind, text) in enumerate(cells)]
    notebook = new_notebook(cells=made, metadata=notebooks.METADATA)
    assert notebooks.pack(notebooks.unpack(notebook)) == notebook


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x = 1\n", "before the first"),
        ("# %% [markdown]\n# Hello\n", "is not '# %% id=slug'"),
        ("# %% id=a\n\n# %% id=a\n", "'a' occurs twice"),
        ("# %% [markdown] id=a\n# Hello\nworld\n", "'world' lacks"),
    ],
)
def test_malformed_text_is_refused_by_name(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        notebooks.pack(text)


def test_stamp_generates_badge_links_and_setup_cell(course: Path) -> None:
    notebooks.stamp("https://github.com/owner/name", course)
    first, second = [notebooks.read(path) for path in notebooks.lessons(course)]
    opening = first.cells[0].source.split("\n\n")
    assert opening[0] == "# First steps"
    assert "github/owner/name/blob/main/notebooks/01_first.ipynb" in opening[1]
    assert opening[2] == "It adds two numbers."
    assert opening[3].startswith("**You should know:**"), "no minutes before they are measured"
    assert opening[-1] == "[Contents](../README.md) · [First steps →](02_second.ipynb)"
    assert second.cells[-1].source == "[← First steps](01_first.ipynb) · [Contents](../README.md)"
    assert [cell.id for cell in first.cells][:4] == ["title", "contents", "setup", "sum"]
    sections = "**In this lesson:** [A sum](#A-sum) · [What is `next`?](#What-is-next%3F)"
    assert first.cells[1].source == sections
    assert notebooks.repository_of(first) == "https://github.com/owner/name"

    before = state(course)
    notebooks.stamp("https://github.com/owner/name", course)
    assert state(course) == before

    notebooks.stamp("", course)
    assert not any(b"colab.research" in content for content in state(course).values())


def test_stamp_keeps_outputs(course: Path) -> None:
    notebooks.execute([], root=course)
    notebooks.stamp("https://github.com/owner/name", course)
    cells = notebooks.read(notebooks.lessons(course)[0]).cells
    assert [cell.execution_count for cell in cells if cell.cell_type == "code"] == [1, 2, 3]
    assert cells[-2].outputs[0].text == "3\n"


def test_short_trainings_are_short_in_every_lesson(tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    for path in notebooks.lessons():
        shutil.copy(path, tmp_path / "notebooks")
    notebooks.shorten(tmp_path, epochs=1)
    found = {name: set() for name in ("EPOCHS", "SHARP_EPOCHS", "TUNING_EPOCHS", "RACE_EPOCHS")}
    for path in notebooks.lessons(tmp_path):
        for cell in notebooks.read(path).cells:
            assert cell.id != "quality"
            for name, value in re.findall(r"^(\w*EPOCHS) = (.*)$", cell.source, re.MULTILINE):
                found[name].add(value)
    assert all(values == {"1"} for values in found.values())


@pytest.mark.parametrize("address", ["owner/name", 'https://github.com/a/b" + x', "https://a.b/c"])
def test_stamp_refuses_an_address_it_cannot_use(course: Path, address: str) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        notebooks.stamp(address, course)


def test_find_names_what_there_is(course: Path) -> None:
    names = ("02", "01_first", "notebooks/02_second.ipynb")
    assert [path.stem for path in notebooks.find(names, course)] == ["01_first", "02_second"]
    with pytest.raises(ValueError, match="'03'.*01_first, 02_second"):
        notebooks.find(["03"], course)


def test_execute_saves_what_ran_and_records_seconds(course: Path, monkeypatch) -> None:
    monkeypatch.setattr(notebooks, "usable_cores", lambda: 2)
    add(course, "import os\nos.environ['COURSE_DATA']\nraise ValueError('no')", "raises-exception")
    notebooks.execute(["01"], root=course)
    first, second = [notebooks.read(path) for path in notebooks.lessons(course)]
    added = next(cell for cell in first.cells if cell.id == "added")
    assert added.outputs[-1].traceback == ["ValueError: no"]
    assert all(cell.get("execution_count") is None for cell in second.cells)
    measured = notebooks.read_measured(course)
    assert set(measured["seconds"]["01_first"]) == {"cpu"}
    held = measured["gigabytes"]["01_first"]
    assert 0 < held < 2
    wanted = f"**Time:** about 1 minute on 2 CPU cores. **Memory:** {held} GB."
    assert wanted in first.cells[0].source
    assert readme.tables(first) == {"sums": ["| sum |", "| --- |", "| 2 |"]}


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("import sys\nprint('careful', file=sys.stderr)", "cell added writes to stderr: careful"),
        ("object()", "cell added shows a memory address"),
        ("import os\nprint(os.getcwd())", "cell added shows a path of this machine"),
        ("import sys\nsys.executable", "cell added shows a path of this machine"),
    ],
)
def test_execute_saves_nothing_unclean(course: Path, code: str, complaint: str) -> None:
    add(course, code)
    notebooks.stamp("", course)
    before = state(course)
    with pytest.raises(ValueError, match=complaint):
        notebooks.execute(["01"], root=course)
    assert state(course) == before


def test_execute_saves_nothing_where_a_cell_fails(course: Path) -> None:
    add(course, "1 / 0")
    notebooks.stamp("", course)
    before = state(course)
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        notebooks.execute(["01"], root=course)
    assert state(course) == before


def test_execute_keeps_what_ran_before_a_failure(course: Path) -> None:
    first, second = notebooks.lessons(course)
    add(course, "1 / 0")
    first.rename(second.with_stem("03_failing"))
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        notebooks.execute([], root=course)
    assert notebooks.read(second).cells[-2].execution_count == 3


def test_execute_drops_widgets_and_keeps_the_last_display_update(course: Path) -> None:
    add(
        course,
        "import ipywidgets\nhandle = display('epoch 1', display_id=True)\n"
        "handle.update('epoch 2')\ndisplay(ipywidgets.IntSlider())\n"
        "ipywidgets.interact(lambda number: display(number), number=3);",
    )
    notebooks.execute(["01"], root=course)
    notebook = notebooks.read(notebooks.lessons(course)[0])
    added = next(cell for cell in notebook.cells if cell.id == "added")
    assert [output.data["text/plain"] for output in added.outputs] == ["'epoch 2'"]
    assert notebook.metadata == notebooks.METADATA


def test_pages_show_how_far_they_are_and_change_no_notebook(course: Path, capsys) -> None:
    add(course, "print('`tiny`: epoch 2 of 3, 1 s')")
    before = state(course)
    notebooks.pages(["01"], root=course)
    assert state(course) == before
    shown = capsys.readouterr().out
    assert "01_first: " in shown and "cell 3 of 3" in shown
    assert re.search(r"01_first took \d+ s and 0\.\d GB", shown)
    assert "tiny: epoch 2 of 3, 1 s" in shown and "To read: data/runs/pages/index.html" in shown
    texts = {path.stem: path.read_text("utf-8") for path in (course / "data/runs/pages").iterdir()}
    assert set(texts) == {"index", "01_first", "02_second"}
    assert "tiny" in texts["01_first"] and "tiny" not in texts["02_second"]
    notebooks.pages([], saved=True, root=course)
    assert "epoch 2 of 3" not in capsys.readouterr().out
    first = (course / "data/runs/pages/01_first.html").read_text("utf-8")
    assert (texts["01_first"].count("epoch 2 of 3"), first.count("epoch 2 of 3")) == (2, 1)


def test_pages_fold_solutions_and_lead_to_each_other() -> None:
    text = LESSON + "\n# %% id=more tags=hide-cell,solution\nmore = 4\n\n"
    text += (
        "# %% [markdown] id=links\n# [a](02_b.ipynb#C-d) [e](../README.md#c-d) [f](../x/y.md)\n\n"
    )
    text += "# %% id=drawing tags=hide-cell\ndrawn = 5\n"
    shown = notebooks.page(notebooks.pack(text))
    assert re.findall(r'<a href="([^"#]+[^"]*)"', shown)[-3:] == [
        "02_b.html#C-d",
        "index.html#c-d",
        "../../../x/y.md",
    ]
    readme = notebooks.page(new_notebook(cells=[new_markdown_cell("# C D")]), folder=".")
    assert BeautifulSoup(readme, "html.parser").h1["id"] == "c-d"
    folds = BeautifulSoup(shown, "html.parser").select("details")
    assert [fold.summary.string for fold in folds] == ["Solution", "Code"]
    solution, code = (fold.get_text() for fold in folds)
    assert "print" in solution and "more" in solution and "drawn" in code


def test_chosen_cells_run_alone(course: Path) -> None:
    notebooks.stamp("", course)
    path = notebooks.lessons(course)[0]
    ids = [cell.id for cell in notebooks.read(path).cells]
    done, *_ = notebooks.run(path, {}, "solution")
    assert [cell.id for cell in done.cells] == ["setup", "solution-1"]
    assert done.cells[1].outputs[0].text == "3\n"
    done, *_ = notebooks.run(path, {}, "a tag that no cell has")
    assert [cell.id for cell in done.cells] == ids


def test_reference_is_the_network_of_the_tutorial() -> None:
    model = reference.network(3, weights=None)
    assert model.output_shape == (None, 128, 128, 3)
    assert 6.4e6 < model.count_params() < 6.6e6
    trained = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert model.count_params() - trained > 1.8e6, "its encoder is frozen"


def test_setup_cell_without_the_course_says_what_to_do(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    way_out = "Open this in a clone of the course, or fill in its address."
    with pytest.raises(AssertionError, match=way_out):
        runpy.run_path(str(notebooks.SETUP_CELL))


def test_colab_gets_what_the_course_pins() -> None:
    names = ("requirements.txt", ".ci/constraints.txt")
    files = [(notebooks.ROOT / name).read_text(encoding="utf-8").split() for name in names]
    pins = (*colab_file.PACKAGES.values(), *colab_file.LATER.values())
    for pin in " ".join(pins).split():
        assert pin in files[0] and re.sub(r"\[.*]", "", pin) in files[1], pin
    assert f"keras=={colab_file.LAST_KERAS}" in files[1]
    assert len(notebooks.setup_source("").split("\n")) <= 12


@pytest.mark.parametrize(
    ("keras", "works", "installed", "end"),
    [
        ("3.13.2", [False], [["tensorflow-metadata==1.17.3"]], None),
        ("3.15.1", [True], [], None),
        ("3.16.0", [True, True], [], None),
        ("3.16.0", [True, False, True], [["keras==3.15.1"]], None),
        ("4.0", [True, False, False], [["keras==3.15.1"]], "does not import here, not even with"),
    ],
)
def test_colab_gets_a_keras_that_kerascv_works_with(
    monkeypatch, keras: str, works: list[bool], installed: list, end: str | None
) -> None:
    answers, calls = iter(works), []
    monkeypatch.setattr(colab_file, "imports", lambda module: next(answers))
    monkeypatch.setattr(colab_file.metadata, "version", lambda name: keras)
    monkeypatch.setattr(colab_file, "install", lambda packages, keep: calls.append(packages))
    if end:
        with pytest.raises(ImportError, match=end):
            colab_file.prepare()
    else:
        colab_file.prepare()
    assert calls == installed and next(answers, None) is None


def test_a_lesson_gets_on_colab_what_it_needs_itself(monkeypatch) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr(colab_file, "install", lambda packages, keep: calls.append(packages))
    monkeypatch.setattr(colab_file.util, "find_spec", lambda module: module == "tf2onnx")
    colab_file.need("imagehash", "tf2onnx")
    assert calls == []  # not on Colab
    monkeypatch.setitem(sys.modules, "google.colab", object())
    colab_file.need("imagehash", "tf2onnx")
    assert calls == [[colab_file.LATER["imagehash"]]]


def test_requirements_and_constraints_agree() -> None:
    pin = re.compile(r"([\w.-]+)(?:\[[\w,]+])?==([\w.]+)(?: +[;#].*)?")
    files = [notebooks.ROOT / "requirements.txt", notebooks.ROOT / ".ci" / "constraints.txt"]
    wanted, locked = (
        [
            line
            for line in file.read_text(encoding="utf-8").split("\n")
            if line and line[0] not in "#-"
        ]
        for file in files
    )
    assert [line for line in wanted + locked if not pin.fullmatch(line)] == []
    assert {pin.fullmatch(line).groups() for line in wanted} <= {
        pin.fullmatch(line).groups() for line in locked
    }


def test_published_cells_must_show_one_output() -> None:
    picture = nbformat.v4.new_output("display_data", {"image/png": "R0lGODlhLg=="})
    cell = new_code_cell(metadata={"tags": ["readme-unet"]}, execution_count=1, outputs=[picture])
    assert readme.figures(new_notebook(cells=[cell])) == {"unet.gif": b"GIF89a."}
    cell.outputs.append(picture)
    with pytest.raises(ValueError, match="readme-unet.*shows 2 image/png or"):
        readme.figures(new_notebook(cells=[cell]))


def test_differences_of_measured_tables() -> None:
    old = ["| model | mean IoU |", "| --- | --- |", "| U-Net | 0.651 | 41 s |"]
    assert differences(old, [*old[:2], "| U-Net | 0.662 | 90 s |"]) == []
    assert len(differences(old, [*old[:2], "| U-Net | 0.531 | 41 s |"])) == 1
    assert differences([], old) == old


def test_ways_of_fine_tuning_wake_what_they_say() -> None:
    assert {"EPOCHS", "TUNING_EPOCHS", "FILTERS", "TURNED", "SHARP"} <= finetuning.settings().keys()
    model = finetuning.unet_helpers.mobilenetv2_unet(3, None, 0.35, (4, 4, 4, 4, 4), 64)
    learning = {}
    for who in dict(finetuning.WAYS):
        finetuning.wake(model, who)
        learning[who] = len(model.get_layer("encoder").trainable_weights)
    nothing, everything, deep = learning.values()
    assert nothing == 0 < deep < everything


def test_measured_file_is_json_of_the_known_shape() -> None:
    measured = json.loads((notebooks.ROOT / notebooks.MEASURED).read_text(encoding="utf-8"))
    assert set(measured) == {"gigabytes", "photographs", "seconds"}
    stems = {path.stem for path in notebooks.lessons()}
    assert {*measured["seconds"], *measured["gigabytes"]} <= stems
