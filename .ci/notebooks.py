"""The notebooks' tool: text form, generated cells, execution.

    python .ci/notebooks.py unpack notebooks/01_data_loading.ipynb lesson.py
    python .ci/notebooks.py pack lesson.py notebooks/01_data_loading.ipynb
    python .ci/notebooks.py stamp [--repository https://github.com/owner/name]
    python .ci/notebooks.py execute [01 02_unet_from_scratch ...]
    python .ci/notebooks.py pages [01 02_unet_from_scratch ...]

`execute` runs lessons in a copy of the course and saves them; `pages`, the README's course command,
runs them where they are and writes pages to read. Both show how far they are.

The text form is a percent file. Each cell starts with a heading line, `# %% [markdown] id=slug` or
`# %% id=slug tags=a,b`, and markdown lines carry a leading "# ". It is not jupytext's, which has no
place for a cell's id (its issue 1263): here ids are names, by which the glossary, the README's figures
and the tests find a cell.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import nbformat
import psutil
from bs4 import BeautifulSoup
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
MEASURED = Path(".ci/measured.json")
SETUP_CELL = ROOT / ".ci" / "setup_cell.py"

HEADING = re.compile(r"# %%( \[markdown\])? id=([a-z0-9-]+)(?: tags=(\S+))?")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
COLAB = "https://colab.research.google.com/github/"
CONTENTS = "[Contents](../README.md)"
ADDRESS = re.compile(r'^REPOSITORY = "([^"]*)"', re.MULTILINE)
REPOSITORY_FORM = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?")
LONG = re.compile(r"^((?:\w+_)?EPOCHS) = .*", re.MULTILINE)
WIDGET = "application/vnd.jupyter.widget-view+json"


def lessons(root: Path = ROOT) -> list[Path]:
    """Return the notebooks of the course in `root`, in course order: the order of their names."""
    return sorted((root / "notebooks").glob("*.ipynb"))


def find(names: Sequence[str], root: Path = ROOT) -> list[Path]:
    """Return the notebooks meant by `names` (`01`, `01_data_loading`, a path); all if empty.

    Raises ValueError for a name that fits no notebook.
    """
    course = lessons(root)
    chosen = []
    for name in names:
        stem = Path(name).stem
        matches = [path for path in course if path.stem == stem or path.stem.split("_")[0] == stem]
        if not matches:
            known = ", ".join(path.stem for path in course)
            raise ValueError(f"No notebook is called {name!r}. There are: {known}.")
        chosen += matches
    return sorted(set(chosen)) if names else course


def write(notebook: NotebookNode, path: Path) -> None:
    """Check `notebook` against the format and write it to `path` in one step."""
    nbformat.validate(notebook)
    text = nbformat.writes(notebook).rstrip("\n") + "\n"
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    temporary.replace(path)


def read(path: Path) -> NotebookNode:
    """Read the notebook at `path`."""
    return nbformat.read(path, as_version=4)


def defined(lesson: str, *ids: str, **scope: object) -> dict[str, object]:
    """Run cells of a lesson, found by their ids, with `scope` in reach; return all names after it.

    So that a tool works with a lesson's own settings. Raises ValueError for an id that is not there.
    """
    (path,) = find([lesson])
    sources = {cell.id: cell.source for cell in read(path).cells}
    if missing := [name for name in ids if name not in sources]:
        raise ValueError(f"{path.name} has no cells {missing}, which hold its settings.")
    for name in ids:
        exec(compile(sources[name], f"{path.name}: {name}", "exec"), scope)  # noqa: S102
    return scope


# Text form ---------------------------------------------------------------------------------------


def unpack(notebook: NotebookNode) -> str:
    """Return the percent text of `notebook`; outputs stay behind."""
    blocks = []
    for cell in notebook.cells:
        markdown = cell.cell_type == "markdown"
        tags = cell.metadata.get("tags")
        heading = f"# %%{' [markdown]' if markdown else ''} id={cell.id}"
        heading += f" tags={','.join(tags)}" if tags else ""
        lines = cell.source.split("\n")
        if markdown:
            lines = [f"# {line}" if line else "#" for line in lines]
        blocks.append("\n".join([heading, *lines]))
    return "\n\n".join(blocks) + "\n"


def pack(text: str) -> NotebookNode:
    """Return the notebook of a percent text: no outputs, the ids and tags of its headings.

    Raises ValueError for a malformed heading, a repeated id, or markdown outside a comment.
    """
    cells: list[NotebookNode] = []
    blocks = re.split(r"^(?=# %%)", text, flags=re.MULTILINE)
    if blocks[0].strip():
        raise ValueError(f"Text before the first '# %%' heading: {blocks[0].strip()[:60]!r}.")
    for block in blocks[1:]:
        heading, _, body = block.partition("\n")
        match = HEADING.fullmatch(heading.rstrip())
        if not match:
            raise ValueError(
                f"Heading {heading!r} is not '# %% id=slug' or '# %% [markdown] id=slug' "
                "(a-z, 0-9, '-'), with 'tags=a,b' after it where wanted."
            )
        markdown, slug, tags = match.groups()
        if slug in {cell.id for cell in cells}:
            raise ValueError(f"Cell id {slug!r} occurs twice: rename one of the two.")
        source = body.strip("\n")
        if markdown:
            lines = source.split("\n")
            stray = next((line for line in lines if line and not line.startswith("#")), None)
            if stray:
                raise ValueError(f"Markdown cell {slug!r}: the line {stray!r} lacks its '# '.")
            source = "\n".join(line[2:] if line.startswith("# ") else line[1:] for line in lines)
            cell = new_markdown_cell(source, id=slug)
        else:
            cell = new_code_cell(source, id=slug)
        if tags:
            cell.metadata["tags"] = tags.split(",")
        if "hide-cell" in cell.metadata.get("tags", []):
            hidden = {"source_hidden": True, "outputs_hidden": True}
            cell.metadata |= {"jupyter": hidden, "cellView": "form"}
        cells.append(cell)
    return new_notebook(cells=cells, metadata=METADATA)


# Generated cells ---------------------------------------------------------------------------------


def title(notebook: NotebookNode) -> str:
    """Return the text of the H1 that opens `notebook`."""
    return notebook.cells[0].source.split("\n")[0].removeprefix("# ").strip()


def repository_of(notebook: NotebookNode) -> str:
    """Return the repository address stamped into the set-up cell, "" where there is none."""
    found = (ADDRESS.search(cell.source) for cell in notebook.cells if cell.id == "setup")
    return next((match[1] for match in found if match), "")


def setup_source(repository: str) -> str:
    """Return the set-up cell with `repository` in its form field."""
    source = SETUP_CELL.read_text(encoding="utf-8").strip()
    return ADDRESS.sub(lambda _: f'REPOSITORY = "{repository}"', source, count=1)


def minutes(seconds: float) -> str:
    """Return `seconds` as a reader wants them: rounded up to whole minutes."""
    whole = max(1, -int(-seconds // 60))
    return f"about {whole} minute{'s' if whole > 1 else ''}"


def navigation(course: Sequence[tuple[str, str]], stem: str) -> str:
    """Return the line of links for lesson `stem` of `course`, pairs of (stem, title)."""
    place = [name for name, _ in course].index(stem)
    links = []
    if place > 0:
        name, heading = course[place - 1]
        links.append(f"[← {heading}]({name}.ipynb)")
    links.append(CONTENTS)
    if place + 1 < len(course):
        name, heading = course[place + 1]
        links.append(f"[{heading} →]({name}.ipynb)")
    return " · ".join(links)


def contents(notebook: NotebookNode) -> str:
    """Return the line of links to the sections of `notebook`."""
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    prose = re.sub(r"^```.*?^```", "", prose, flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^## (.+)", prose, re.MULTILINE)
    anchors = [quote(re.sub(r"[`*]", "", text).replace(" ", "-")) for text in headings]
    links = [f"[{text}](#{name})" for text, name in zip(headings, anchors, strict=True)]
    return f"**In this lesson:** {' · '.join(links)}"


def stamped(
    notebook: NotebookNode,
    stem: str,
    course: Sequence[tuple[str, str]],
    repository: str,
    cost: dict[str, float],
) -> NotebookNode:
    """Return a copy of `notebook` with its generated parts brought up to date.

    Generated are, in the first cell, the badge, the minutes, the memory and the navigation; the
    list of contents; the set-up cell; and the last cell. `cost` is what `cost_of` returns. Outputs
    are kept.
    """
    result = nbformat.from_dict(json.loads(json.dumps(notebook)))
    links = navigation(course, stem)
    generated = ("[![Open in Colab]", "**Time:**")
    parts = [
        part
        for part in re.split(r"\n\s*\n", result.cells[0].source.strip())
        if not part.startswith(generated) and CONTENTS not in part
    ]
    places = {"cpu": "on 2 CPU cores", "gpu": "on a GPU"}
    times = [f"{minutes(cost[key])} {place}" for key, place in places.items() if key in cost]
    if times:
        memory = f" **Memory:** {cost['gigabytes']} GB." if "gigabytes" in cost else ""
        parts.insert(2, f"**Time:** {', '.join(times)}.{memory}")
    parts.append(links)
    if repository:
        name = REPOSITORY_FORM.fullmatch(repository)[1]
        parts.insert(1, f"{BADGE}({COLAB}{name}/blob/main/notebooks/{stem}.ipynb)")
    result.cells[0].source = "\n\n".join(parts)

    if not any(cell.id == "setup" for cell in result.cells):
        kinds = [cell.cell_type for cell in result.cells]
        place = kinds.index("code") if "code" in kinds else len(kinds)
        result.cells.insert(place, new_code_cell(id="setup"))
    setup = next(cell for cell in result.cells if cell.id == "setup")
    setup.source = setup_source(repository)
    result.cells = [cell for cell in result.cells if cell.id not in ("contents", "navigation")]
    result.cells.insert(
        result.cells.index(setup), new_markdown_cell(contents(result), id="contents")
    )
    result.cells.append(new_markdown_cell(links, id="navigation"))
    return result


def read_measured(root: Path = ROOT) -> dict[str, dict]:
    """Return what was measured: "seconds" and "gigabytes" by lesson, "photographs" by table."""
    return json.loads((root / MEASURED).read_text(encoding="utf-8"))


def cost_of(stem: str, measured: dict[str, dict]) -> dict[str, float]:
    """Return a lesson's seconds by device, "cpu" and "gpu", and its "gigabytes", where measured."""
    held = measured["gigabytes"]
    return measured["seconds"].get(stem, {}) | ({"gigabytes": held[stem]} if stem in held else {})


def write_measured(measured: dict[str, dict], root: Path = ROOT) -> None:
    """Write what was measured to .ci/measured.json."""
    text = json.dumps(measured, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    (root / MEASURED).write_text(text, encoding="utf-8", newline="\n")


def stamp(repository: str, root: Path = ROOT) -> None:
    """Bring the generated parts of every notebook of the course in `root` up to date.

    `repository` is an address such as https://github.com/owner/name, or "" for none.
    Raises ValueError for any other address.
    """
    if repository and not REPOSITORY_FORM.fullmatch(repository):
        raise ValueError(f"{repository!r} is not an address such as https://github.com/owner/name.")
    notebooks = {path: read(path) for path in lessons(root)}
    course = [(path.stem, title(notebook)) for path, notebook in notebooks.items()]
    measured = read_measured(root)
    for path, notebook in notebooks.items():
        cost = cost_of(path.stem, measured)
        fresh = stamped(notebook, path.stem, course, repository, cost)
        if fresh != notebook:
            write(fresh, path)


# Execution ---------------------------------------------------------------------------------------


@contextmanager
def fresh_copy(root: Path = ROOT) -> Iterator[Path]:
    """Copy what git tracks or would track in `root` to a new folder, deleted afterwards.

    Lessons leave trained models in data/runs, and a run found there is not trained again:
    only a copy without them shows, and times, what a newcomer sees.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as name:
        target = Path(name).resolve() / "course"
        for file in filter(None, listing.split("\0")):
            if (root / file).is_file():
                (target / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / file, target / file)
        yield target


def shorten(root: Path, epochs: int) -> None:
    """Cut the trainings of the course in `root`, a copy, to so many epochs: all lessons' recipes.

    One lesson trains another's network, so it is not enough to change what runs. The cells called
    "quality" go, which say what a whole training must reach.
    """
    for path in lessons(root):
        notebook = read(path)
        notebook.cells = [cell for cell in notebook.cells if cell.id != "quality"]
        for cell in notebook.cells:
            cell.source = LONG.sub(rf"\1 = {epochs}", cell.source)
        write(notebook, path)


class Client(NotebookClient):
    """Runs a notebook, and shows which cell of how many, and how a training goes."""

    bar: tqdm | None = None

    def process_message(self, msg: dict, cell: NotebookNode, cell_index: int) -> object:
        """Pass on what a kernel sends; of an epoch that has ended, show its line."""
        data = msg["content"].get("data", {})
        text = str(data.get("text/plain", "") or msg["content"].get("text", ""))
        epochs = [line for line in text.split("\n") if re.match(r"`.+`: epoch \d+ of", line)]
        if self.bar is not None and epochs:
            self.bar.set_postfix_str(epochs[-1].replace("`", ""))
        return super().process_message(msg, cell, cell_index)

    async def async_execute_cell(self, cell: NotebookNode, *more: object, **options: object):
        """Run a cell, and count it."""
        done = await super().async_execute_cell(cell, *more, **options)
        if self.bar is not None and cell.cell_type == "code":
            self.bar.set_postfix_str("", refresh=False)
            self.bar.update()
        return done


@contextmanager
def memory_watched() -> Iterator[list[int]]:
    """Yield a list that holds, afterwards, the most bytes that this process's children held at once.

    Looks each second. Where processes share memory, each counts its part of it on Linux, and none
    counts it elsewhere.
    """
    most, done = [0], threading.Event()

    def watch() -> None:
        while True:
            held = 0
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):  # it has just ended
                    info = child.memory_full_info()
                    held += getattr(info, "pss", info.uss)
            most[0] = max(most[0], held)
            if done.wait(1):
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        done.set()
        watcher.join()


def run(
    path: Path, environment: dict[str, str], tag: str = "", expected: str = ""
) -> tuple[NotebookNode, float, float]:
    """Execute the notebook at `path` in its own folder; return it, with the seconds it took.

    Also printed, and returned third, are the gigabytes that its processes held at most. Where any
    cell has the tag `tag`, only such cells and the set-up cell are kept and run.
    Raises nbclient's CellExecutionError where a cell fails.
    """
    notebook = read(path)
    chosen = [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]
    if chosen:
        notebook.cells = [cell for cell in notebook.cells if cell in chosen or cell.id == "setup"]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = Client(
        notebook,
        timeout=3600,  # seconds a cell: one that hangs is an error
        startup_timeout=300,  # a busy machine needs more than the minute that is the default
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],  # it warns of every kernel on this machine
        resources={"metadata": {"path": str(path.parent)}},
    )
    start = time.perf_counter()
    with (
        tqdm(
            desc=f"{path.stem} ({expected})" if expected else path.stem,
            total=sum(cell.cell_type == "code" for cell in notebook.cells),
            bar_format="{desc}: {elapsed}, cell {n_fmt} of {total_fmt}{postfix}",
            file=sys.stdout,
            mininterval=0.5 if sys.stdout.isatty() else 10,
            dynamic_ncols=True,
        ) as client.bar,
        memory_watched() as most,
    ):
        client.execute(env=os.environ | environment)
    seconds, held = time.perf_counter() - start, math.ceil(most[0] / 1e8) / 10
    print(f"{path.stem} took {seconds:.0f} s and {held} GB", flush=True)
    return notebook, seconds, held


def clean(notebook: NotebookNode, places: Sequence[Path]) -> list[str]:
    """Strip what depends on the machine from an executed notebook; return what must not be there.

    Widgets (they need a live kernel) and the frames of expected exceptions go. Returned, one line
    each, are stderr output, memory addresses and paths in or under one of `places`.
    """
    names = [re.escape(str(place)) for place in places if len(place.parts) > 1]
    forbidden = {
        "a memory address": re.compile(r"\bat 0x[0-9a-f]{6,}"),
        "a path of this machine": re.compile(rf"(?<!\w)({'|'.join(names)})\b[^\s\"'<]*"),
    }
    complaints = []
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.outputs = [out for out in cell.outputs if WIDGET not in out.get("data", {})]
        for output in cell.outputs:
            if output.output_type == "error":
                output.traceback = [f"{output.ename}: {output.evalue}"]
            data = output.get("data", {})
            texts = [str(value) for kind, value in data.items() if not kind.startswith("image/")]
            text = "\n".join([*texts, output.get("text", ""), *output.get("traceback", [])])
            text = text.replace("\\\\", "\\")  # a Windows path in a repr
            if output.get("name") == "stderr":
                complaints.append(f"cell {cell.id} writes to stderr: {text.strip()[-500:]}")
            for what, pattern in forbidden.items():
                complaints += [
                    f"cell {cell.id} shows {what}: {m[0]}" for m in pattern.finditer(text)
                ]
    return complaints


def machine_places(*more: Path) -> list[Path]:
    """Return `more` and the other folders whose names must not show in a saved notebook."""
    prefixes = [Path(sys.prefix), Path(sys.base_prefix)]
    return [*more, *prefixes, Path.home(), Path(tempfile.gettempdir()).resolve()]


def usable_cores() -> int:
    """Return the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def execute(names: Sequence[str], gpu: bool = False, root: Path = ROOT) -> None:
    """Run notebooks top to bottom in the sample profile; save each that ran and is clean.

    They run on the CPU, and seconds and memory are recorded where two cores were usable, which is
    what the README speaks of. With `gpu` they run on the GPU: seconds are recorded, nothing is saved.
    Raises ValueError for output that must not be saved, CellExecutionError for a cell that fails.
    """
    environment = {"COURSE_DATA": "sample"} | ({} if gpu else {"CUDA_VISIBLE_DEVICES": "-1"})
    repository = repository_of(read(lessons(root)[0]))
    stamp(repository, root)
    with fresh_copy(root) as copy:
        for path in find(names, root):
            notebook, seconds, held = run(copy / "notebooks" / path.name, environment)
            complaints = clean(notebook, machine_places(copy, root))
            if complaints:
                raise ValueError("\n  ".join([f"{path.name} is not fit to be saved:", *complaints]))
            if not gpu:
                write(notebook, path)
            if gpu or usable_cores() == 2:
                device, measured = "gpu" if gpu else "cpu", read_measured(root)
                measured["seconds"].setdefault(path.stem, {})[device] = round(seconds)
                if not gpu:
                    measured["gigabytes"][path.stem] = held
                write_measured(measured, root)
            stamp(repository, root)


STYLE = """
details { margin-left: 14ex; }
.rendered_html details { margin-left: 0; } /* answers to questions, within the text */
summary { display: list-item; cursor: pointer; }
@media (max-width: 540px) { /* the template would leave a third of a phone empty */
  details { margin-left: 0; }
  #notebook-container, .cell { padding-left: 2px; padding-right: 2px; }
  div.output_subarea { max-width: 100%; overflow-x: auto; }
  div.output_subarea img { max-width: none; min-width: 560px; } /* scrolls in its own box */
  .rendered_html table { display: block; overflow-x: auto; }
  .rendered_html code { overflow-wrap: anywhere; }
  div.input_area pre { white-space: pre; overflow-x: auto; }
}
"""


def page(notebook: NotebookNode, folder: str = "notebooks") -> str:
    """Return `notebook`, which lies in `folder`, as a page to read in data/runs/pages/.

    Hidden cells are folded, links to lessons lead to their pages, and other links to the course's
    files. The template is one that keeps figures' alt texts.
    """
    body, _ = HTMLExporter(template_name="classic").from_notebook_node(notebook)
    soup = BeautifulSoup(body, "html.parser")
    fold = None  # the one that the cell before went into
    for cell in soup.select(".cell"):
        if "celltag_hide-cell" not in cell["class"]:
            fold = None
            continue
        if fold is None:
            fold = soup.new_tag("details")
            summary = soup.new_tag("summary")
            summary.string = "Solution" if "celltag_solution" in cell["class"] else "Code"
            cell.insert_before(fold)
            fold.append(summary)
        fold.append(cell.extract())
    style = soup.new_tag("style")
    style.string = STYLE
    soup.head.append(style)
    if folder == ".":  # the README, whose headings links name as GitHub does
        for tag in soup.select(":is(h1, h2, h3, h4)[id]"):
            tag["id"] = tag["id"].lower()
            tag.select_one(".anchor-link")["href"] = f"#{tag['id']}"
    links = [("href", tag) for tag in soup.select("[href]")]
    for key, tag in [*links, *(("src", tag) for tag in soup.select("[src]"))]:
        target = tag[key]
        if re.match(r"[a-z]+:|#|//", target):
            continue
        target = os.path.normpath(f"{folder}/{target}").replace(os.sep, "/")
        if match := re.fullmatch(r"(?:notebooks/(\w+)\.ipynb|README\.md)(#.*)?", target):
            tag[key] = f"{match[1] or 'index'}.html{match[2] or ''}"
        else:
            tag[key] = f"../../../{target}"
    return str(soup)


def pages(names: Sequence[str], saved: bool = False, root: Path = ROOT) -> None:
    """Run notebooks where they are, and write each as a page into data/runs/pages/.

    With `saved` none is run, and the pages show what was saved; so do those of the other lessons,
    where they are not there yet. index.html is the README. The notebooks stay as they are. Raises
    CellExecutionError for a cell that fails.
    """
    folder, seconds = root / "data" / "runs" / "pages", read_measured(root)["seconds"]
    folder.mkdir(parents=True, exist_ok=True)
    readme = new_markdown_cell((root / "README.md").read_text(encoding="utf-8"))
    index = page(new_notebook(cells=[readme]), folder=".")
    (folder / "index.html").write_text(index, encoding="utf-8")
    chosen = find(names, root)
    for path in lessons(root):
        there, notebook = folder / f"{path.stem}.html", read(path)
        if path in chosen and not saved:
            expected = seconds.get(path.stem, {}).get("cpu")
            expected = f"{minutes(expected)} on 2 CPU cores" if expected else ""
            notebook, _, _ = run(path, {}, expected=expected)
        if path in chosen or not there.exists():
            there.write_text(page(notebook), encoding="utf-8")
    print(f"To read: {(folder / 'index.html').relative_to(root).as_posix()}")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("unpack", help="notebook to percent text")
    command.add_argument("notebook", type=Path)
    command.add_argument("text", type=Path)
    command = commands.add_parser("pack", help="percent text to notebook, without outputs")
    command.add_argument("text", type=Path)
    command.add_argument("notebook", type=Path)
    command = commands.add_parser("stamp", help="bring the generated parts up to date")
    owner = os.environ.get("GITHUB_REPOSITORY")
    address = f"https://github.com/{owner}" if owner else ""
    command.add_argument("--repository", default=address, help="https://github.com/owner/name")
    command = commands.add_parser("execute", help="run top to bottom and save")
    command.add_argument("names", nargs="*", metavar="NAME", help="01 or 01_data_loading; or all")
    command.add_argument("--gpu", action="store_true", help="only record the seconds on a GPU")
    command = commands.add_parser("pages", help="run top to bottom, write pages to read")
    command.add_argument("names", nargs="*", metavar="NAME", help="01 or 01_data_loading; or all")
    command.add_argument("--saved", action="store_true", help="run none, write what was saved")
    arguments = parser.parse_args()
    try:
        if arguments.command == "unpack":
            text = unpack(read(arguments.notebook))
            arguments.text.write_text(text, encoding="utf-8", newline="\n")
        elif arguments.command == "pack":
            write(pack(arguments.text.read_text(encoding="utf-8")), arguments.notebook)
        elif arguments.command == "stamp":
            stamp(arguments.repository)
        elif arguments.command == "pages":
            pages(arguments.names, arguments.saved)
        else:
            execute(arguments.names, arguments.gpu)
    except ValueError as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
