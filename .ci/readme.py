"""The README's figures and tables, taken out of the executed notebooks.

    python .ci/readme.py            writes readme_images/ and the generated parts of README.md
    python .ci/readme.py --check    fails where they disagree with the notebooks

A cell tagged `readme-NAME` gives its picture to readme_images/NAME.png (or .jpg, .gif). A cell tagged
`readme-table-NAME` gives its markdown table to the part of README.md between `<!-- table NAME -->`
and `<!-- end -->`. Between `<!-- photographs NAME -->` and `<!-- end -->` stands the table that the
same cell showed on photographs, as .ci/photographs.py left it in .ci/measured.json, and after
`<!-- lessons -->` the lessons with their minutes.
"""

from __future__ import annotations

import argparse
import base64
import re
import sys
from collections.abc import Iterator, Sequence

from nbformat import NotebookNode

from notebooks import ROOT, cost_of, lessons, minutes, read, read_measured, title

README = ROOT / "README.md"
IMAGES = ROOT / "readme_images"
SCREENSHOT = "page.png"  # which .ci/visit.py takes
PART = re.compile(
    r"<!-- (lessons|(?:table|photographs) [a-z0-9-]+) -->\n(.*?)<!-- end -->", re.DOTALL
)


ENDINGS = {b"\x89PNG": "png", b"\xff\xd8\xff\xe0": "jpg", b"GIF8": "gif"}  # by first bytes


def published(notebook: NotebookNode, kind: str, types: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield (name, data) of each cell tagged `kind` + name that was executed.

    Raises ValueError where such a cell shows anything but exactly one output of these types.
    """
    for cell in notebook.cells:
        for tag in cell.metadata.get("tags", []):
            match = re.fullmatch(f"{kind}([a-z0-9-]+)", tag)
            if match and cell.execution_count:
                shown = [pair for out in cell.outputs for pair in out.get("data", {}).items()]
                found = [pair for pair in shown if pair[0] in types]
                if len(found) != 1:
                    what = " or ".join(types)
                    raise ValueError(f"Cell {cell.id} ({tag}) shows {len(found)} {what}, not one.")
                yield match[1], found[0][1]


def figures(notebook: NotebookNode) -> dict[str, bytes]:
    """Return the picture files that `notebook` gives to the README, by name."""
    result = {}
    for name, data in published(notebook, "readme-(?!table-)", ["image/png", "image/jpeg"]):
        picture = base64.b64decode(data)
        result[f"{name}.{ENDINGS[picture[:4]]}"] = picture
    return result


def tables(notebook: NotebookNode) -> dict[str, list[str]]:
    """Return the lines of the markdown tables that `notebook` gives to the README, by name.

    Raises ValueError where a cell's markdown is more than a table.
    """
    result = {}
    for name, text in published(notebook, "readme-table-", ["text/markdown"]):
        result[name] = text.strip().split("\n")
        if not all(line.startswith("|") for line in result[name]):
            raise ValueError(f"The markdown of readme-table-{name} is not one table: {text!r}")
    return result


def lesson_table() -> list[str]:
    """Return the lines of the table of lessons: promise and measured minutes and memory of each."""
    costs = {path.stem: cost_of(path.stem, read_measured()) for path in lessons()}
    places = {"cpu": "2 CPU cores", "gpu": "GPU", "gigabytes": "memory"}
    places = {key: name for key, name in places.items() if any(key in c for c in costs.values())}
    names = ["lesson", "what you do", *places.values()]
    lines = [f"| {' | '.join(names)} |", f"|{' :-- |' * len(names)}"]
    for path in lessons():
        notebook = read(path)
        opening = notebook.cells[0].source.split("\n\n")
        promise = next(part for part in opening[1:] if not part.startswith("[![")).replace(
            "\n", " "
        )
        cells = [f"[{title(notebook)}](notebooks/{path.name})", promise]
        for key in places:
            held = costs[path.stem].get(key)
            shown = f"{held} GB" if key == "gigabytes" else minutes(held or 0)
            cells.append("" if held is None else shown)
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def generated() -> tuple[str, dict[str, bytes]]:
    """Return README.md as it should be, and the files that belong into readme_images/, by name.

    Raises ValueError for a part whose source is missing, or a name that two cells claim.
    """
    parts, pictures = {"lessons": lesson_table()}, {}
    for path in lessons():
        notebook = read(path)
        for name, lines in tables(notebook).items():
            if f"table {name}" in parts:
                raise ValueError(f"Two cells are tagged readme-table-{name}: rename one.")
            parts[f"table {name}"] = lines
        for name, picture in figures(notebook).items():
            if name in pictures:
                raise ValueError(f"Two cells give {name} to the README: rename a tag.")
            pictures[name] = picture
    photographs = read_measured()["photographs"]
    parts |= {f"photographs {name}": lines for name, lines in photographs.items()}

    def fill(match: re.Match[str]) -> str:
        if match[1] not in parts:
            raise ValueError(f"README.md wants <!-- {match[1]} -->, but no executed cell gives it.")
        lines = "\n".join(parts[match[1]])
        return f"<!-- {match[1]} -->\n\n{lines}\n\n<!-- end -->"

    return PART.sub(fill, README.read_text(encoding="utf-8")), pictures


def stale() -> list[str]:
    """Return, one line each, what in README.md and readme_images/ the notebooks contradict."""
    text, pictures = generated()
    complaints = [] if README.read_text(encoding="utf-8") == text else ["README.md: tables differ"]
    present = {path.name: path.read_bytes() for path in IMAGES.glob("*")}
    present.pop(SCREENSHOT, None)
    for name in sorted(present.keys() | pictures.keys()):
        if present.get(name) != pictures.get(name):
            complaints.append(f"readme_images/{name} is not the figure in the notebooks")
    return complaints


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing, fail on differences")
    try:
        if parser.parse_args().check:
            complaints = stale()
            if complaints:
                sys.exit(
                    "\n".join([*complaints, "Run python .ci/readme.py to bring them up to date."])
                )
        else:
            text, pictures = generated()
            README.write_text(text, encoding="utf-8", newline="\n")
            IMAGES.mkdir(exist_ok=True)
            for path in IMAGES.glob("*"):
                if path.name not in (*pictures, SCREENSHOT):
                    path.unlink()
            for name, picture in pictures.items():
                (IMAGES / name).write_bytes(picture)
    except ValueError as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
