"""The form of the lessons: what every notebook in notebooks/ has in common."""

import ast
import base64
import builtins
import io
import re
import statistics
from pathlib import Path

import pytest
from nbformat import NotebookNode
from PIL import Image

import notebooks

LESSONS = notebooks.lessons()
ASIDE = ("contents", "navigation", "quiz", "reading")  # not part of what is read in a row
IMAGE = re.compile(r"image/(png|jpeg|svg\+xml|gif)")

pytestmark = pytest.mark.skipif(not LESSONS, reason="there are no lessons yet")


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def notebook(path: Path) -> NotebookNode:
    return notebooks.read(path)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook: NotebookNode) -> list[tuple[str, NotebookNode]]:
    """Return (cell id, output) pairs."""
    return [(cell.id, output) for cell in code_cells(notebook) for output in cell.outputs]


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def test_generated_parts_are_up_to_date(path: Path, notebook: NotebookNode) -> None:
    course = [(lesson.stem, notebooks.title(notebooks.read(lesson))) for lesson in LESSONS]
    repository = notebooks.repository_of(notebooks.read(LESSONS[0]))
    cost = notebooks.cost_of(path.stem, notebooks.read_measured())
    fresh = notebooks.stamped(notebook, path.stem, course, repository, cost)
    assert fresh == notebook, "run `python .ci/notebooks.py stamp`"


def test_lesson_1_opens_with_a_network_at_work_and_is_short() -> None:
    cells = notebooks.read(LESSONS[0]).cells
    kinds = [
        kind
        for cell in cells[:8]
        for out in cell.get("outputs", [])
        for kind in out.get("data", {})
    ]
    assert any(IMAGE.fullmatch(kind) for kind in kinds)
    assert [cell.id for cell in cells].index("appendix") <= 90


def test_name_and_title(path: Path, notebook: NotebookNode) -> None:
    assert re.fullmatch(r"\d\d_[a-z0-9_]+", path.stem)
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    prose = [re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE) for text in prose]
    headings = [line for text in prose for line in text.split("\n") if line.startswith("# ")]
    assert headings == [f"# {notebooks.title(notebook)}"], "one H1, in the first cell"


def test_opening_has_promise_time_and_prerequisites(path: Path, notebook: NotebookNode) -> None:
    parts = notebook.cells[0].source.split("\n\n")
    if notebooks.repository_of(notebook):
        assert parts.pop(1).startswith(notebooks.BADGE)
    assert len(parts) == 5, "title, promise, time, what to know, navigation"
    assert parts[0].startswith(f"# Lesson {int(path.stem[:2])}: ")
    assert parts[1].endswith(".") and not parts[1].startswith("*"), "a promise in one sentence"
    assert parts[2].startswith("**Time:** about "), "measured: run `.ci/notebooks.py execute`"
    assert parts[3].startswith("**You should know:** ")


def test_objectives_open_and_take_aways_close(notebook: NotebookNode) -> None:
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for heading in ("You will learn", "What you have learned"):
        sections = re.findall(rf"^## {heading}\n(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE)
        assert len(sections) == 1, f"one section '## {heading}'"
        points = re.findall(r"^(?:[-*]|\d\.) ", sections[0], re.MULTILINE)
        assert 3 <= len(points) <= 5, f"three to five points under '{heading}'"


def test_three_questions_with_answers_that_open(notebook: NotebookNode) -> None:
    (quiz,) = [cell.source for cell in notebook.cells if "## Three questions" in cell.source]
    question = r"\*\*(\d)\.\*\* [^\n]+[?]\n\n((?:- \*\*[abc]\.\*\* [^\n]+\n)+)\n"
    # Markdown between the tags needs an empty line after the first and before the last of them.
    answer = r"<details><summary>Answer</summary>\n\n\*\*([abc])\.\*\* ([^\n]+)\n\n</details>"
    found = re.findall(question + answer, quiz)
    assert [number for number, *_ in found] == ["1", "2", "3"] and quiz.count("<details>") == 3
    for _, options, right, why in found:
        assert re.findall(r"\*\*([abc])", options) == ["a", "b", "c"]
        assert len(why.split()) >= 10, f"why {right}?"
    assert len({right for _, _, right, _ in found}) == 3, "no letter may be the one to guess"


def test_further_reading_says_why(notebook: NotebookNode) -> None:
    (reading,) = [cell.source for cell in notebook.cells if "## Further reading" in cell.source]
    entries = reading.split("\n- ")[1:]
    assert len(entries) >= 3
    for entry in entries:
        assert re.search(r"\]\(http", entry), entry
        why = re.split(r"\.\s(?=[A-Z`])", entry)[-1]
        assert len(why.split()) >= 5 and why.endswith("."), entry


def test_executed_once_from_top_to_bottom(notebook: NotebookNode) -> None:
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "run `python .ci/notebooks.py execute`"


def test_outputs_are_clean(notebook: NotebookNode) -> None:
    # Compared as `execute` would leave them: nothing to strip, nothing to complain of.
    before = [dict(output) for _, output in outputs(notebook)]
    assert notebooks.clean(notebook, notebooks.machine_places()) == []
    assert [dict(output) for _, output in outputs(notebook)] == before
    assert notebook.metadata == notebooks.METADATA
    homes = re.compile(r"/(home|root|Users)/|[A-Z]:\\\\")
    for name, output in outputs(notebook):
        text = "\n".join(
            str(data) for kind, data in output.get("data", {}).items() if "text" in kind
        )
        assert not homes.search(text + output.get("text", "")), name


def test_only_announced_cells_fail(notebook: NotebookNode) -> None:
    for cell in code_cells(notebook):
        failed = any(output.output_type == "error" for output in cell.outputs)
        assert failed == ("raises-exception" in tags(cell)), cell.id


def test_size(path: Path) -> None:
    assert path.stat().st_size <= 1_200_000


def test_pictures_are_described_and_fit_the_page(notebook: NotebookNode) -> None:
    for name, output in outputs(notebook):
        for kind in filter(IMAGE.fullmatch, output.get("data", {})):
            described = output.metadata.get(kind, {}).get("alt") or output.metadata.get("alt")
            assert described, f"cell {name}: a figure without alt text"
            picture = Image.open(io.BytesIO(base64.b64decode(output.data[kind])))
            assert picture.width <= 1350, f"cell {name}: a figure {picture.width} px wide"
        html = str(output.get("data", {}).get("text/html", ""))
        for image in re.findall(r"<img[^>]*>", html):
            assert re.search(r'alt="[^"]+"', image), f"cell {name}: an <img> without alt text"
    for cell in notebook.cells:
        assert cell.cell_type == "code" or "![](" not in cell.source, f"cell {cell.id}: no alt text"


def test_three_exercises_with_checks_and_hidden_solutions(notebook: NotebookNode) -> None:
    numbers, found = [], {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            numbers += re.findall(r"^#+ Exercise (\d)", cell.source, re.MULTILINE)
        elif "solution" in tags(cell):
            assert "hide-cell" in tags(cell), cell.id
            assert cell.metadata["jupyter"] == {"source_hidden": True, "outputs_hidden": True}
            assert cell.metadata["cellView"] == "form", cell.id
            found[f"solution-{numbers[-1]}"] = (
                found.get(f"solution-{numbers[-1]}", "") + cell.source
            )
        elif re.fullmatch(r"(answer|check)-\d", cell.id):
            assert cell.id.endswith(numbers[-1])
            found[cell.id] = cell.source
    assert numbers == ["1", "2", "3"], "headings '### Exercise 1: ...' to 3"
    for number in numbers:
        # `right_1` tells right from wrong; the reader's answer is tried, and so is the solution.
        assert f"answer_{number} = ..." in found[f"answer-{number}"]
        assert f"def right_{number}(" in found[f"check-{number}"]
        assert f"unet_helpers.check(answer_{number}, right_{number})" in found[f"check-{number}"]
        assert f"assert right_{number}(" in found[f"solution-{number}"]


def test_code_cells_are_short(notebook: NotebookNode) -> None:
    sources = {cell.id: cell.source for cell in code_cells(notebook)}
    lengths = {name: len(text.strip().split("\n")) for name, text in sources.items()}
    most = {"whole-recipe": 40}  # which is there to be copied
    assert {name: n for name, n in lengths.items() if n > most.get(name, 30)} == {}
    assert statistics.median(lengths.values()) <= 6
    assert [name for name, text in sources.items() if not text.strip()] == []
    assert [
        name for name, text in sources.items() if re.search(r"^\s*(%%|!)", text, re.MULTILINE)
    ] == []


def test_lines_fit_the_page(notebook: NotebookNode) -> None:
    lines = [(cell.id, line) for cell in code_cells(notebook) for line in cell.source.split("\n")]
    assert [(name, line) for name, line in lines if len(line) > 86] == []


def test_words_lead_through_the_code(notebook: NotebookNode) -> None:
    """Five words for a line of code, and three cells of code in a row at most."""
    words = lines = row = 0
    for cell in notebook.cells:
        if cell.id in ("setup", *ASIDE) or "solution" in tags(cell):
            continue
        if cell.cell_type == "markdown":
            words, row = words + len(cell.source.split()), 0
        else:
            lines, row = (
                lines + len([line for line in cell.source.split("\n") if line.strip()]),
                row + 1,
            )
        assert row <= 3, f"cell {cell.id}: the fourth in a row without a word"
    assert words >= 5 * lines, f"{words} words for {lines} lines of code"


def bound(tree: ast.Module) -> set[str]:
    """Names that a cell binds at its top level, but for those of loops."""
    names, looped = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.comprehension):
            looped |= {part.id for part in ast.walk(node.target) if isinstance(part, ast.Name)}
    for node in tree.body:
        for part in ast.walk(node):
            if isinstance(part, ast.FunctionDef | ast.ClassDef) and part is node:
                names.add(part.name)
            elif isinstance(part, ast.Import | ast.ImportFrom):
                names |= {(alias.asname or alias.name).split(".")[0] for alias in part.names}
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                continue
            elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                names.add(part.id)
    return names - looped - {"_"}


def imports(tree: ast.Module) -> dict[str, str]:
    """The names that a cell imports at its top level, and from where."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                name = alias.asname or alias.name.split(".")[0]
                found[name] = f"{getattr(node, 'module', '')}:{alias.name}"
    return found


def test_no_name_is_bound_again_after_it_was_read(notebook: NotebookNode) -> None:
    # So that any cell may be run again without spoiling another. The recipe that is there to be
    # copied imports all that it needs: the very same things once more.
    home, read, again, imported = {}, set(), [], {}
    for cell in code_cells(notebook):
        tree = ast.parse(cell.source)
        here = imports(tree)
        if cell.id == "whole-recipe":
            assert all(imported.get(name, origin) == origin for name, origin in here.items())
            tree.body = [n for n in tree.body if not isinstance(n, ast.Import | ast.ImportFrom)]
        imported |= here
        for name in bound(tree):
            if home.setdefault(name, cell.id) != cell.id and name in read:
                again.append(f"{cell.id}: {name}, of {home[name]}")
        used = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        used = {node.id for node in used if isinstance(node.ctx, ast.Load)}
        read |= {name for name in used if home.get(name, cell.id) != cell.id}
    assert again == []


def test_length_of_the_prose(notebook: NotebookNode) -> None:
    cells = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    prose = " ".join(cell.source for cell in cells if cell.id not in ASIDE)
    assert 1200 <= len(prose.split()) <= 3000


def test_cell_ids_are_stable_names(notebook: NotebookNode) -> None:
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))
    assert [name for name in ids if not re.fullmatch(r"[a-z][a-z0-9-]*", name)] == []
    # What nbformat makes up where nobody chose: eight hexadecimal digits.
    assert [name for name in ids if re.fullmatch(r"[0-9a-f]{8}", name)] == []


def test_links_between_files_lead_somewhere(path: Path, notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\(([^)#]+)\)", cell.source):
                there = target.startswith("http") or (path.parent / target).exists()
                assert there, f"cell {cell.id}: {target}"


def test_recipe_is_complete(notebook: NotebookNode) -> None:
    # `unet_helpers.trained` runs these cells alone, and gives them `course`.
    cells = [cell.source for cell in code_cells(notebook) if "recipe" in tags(cell)]
    tree = ast.parse("\n".join(cells))
    known = {*dir(builtins), "course"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            known |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            known.add(node.name)
        elif isinstance(node, ast.arg):
            known.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            known.add(node.id)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert used <= known, "a recipe imports and defines what it needs"


def test_no_function_is_defined_twice_in_the_course() -> None:
    homes: dict[str, str] = {}
    for path in LESSONS:
        for cell in code_cells(notebooks.read(path)):
            for name in re.findall(r"^(?:def|class) (?!right_\d)(\w+)", cell.source, re.MULTILINE):
                first = homes.setdefault(name, path.stem)
                assert first == path.stem, (
                    f"{name} of {path.stem} is in {first} too: use the helper"
                )
