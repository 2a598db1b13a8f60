"""Builds the course's site: the saved lessons as pages with search, glossary and landing page.

    python .ci/site/build.py [OUT] [--demo demo.html]     OUT is data/runs/site without a name

Needs `.ci/site/requirements.txt`. No lesson is run and no network is asked. `--demo` is the page that
lesson 7 and data/demo/build.py make; without it the site has no "Try it".
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path

SITE = Path(__file__).resolve().parent
ROOT = SITE.parent.parent
sys.path[:0] = [str(SITE.parent), str(ROOT)]

from nbformat import NotebookNode
from sphinx.cmd.build import build_main

import glossary
import notebooks

# What the theme shows in its own way: the contents at the right, next and previous at the bottom.
FRAME = {"contents", "navigation"}
# Labels of the theme that differ from the words on the screen, so that whoever speaks them to the
# computer is not understood. Without them the words are the label.
LABELS = (' aria-label="Toggle hidden content"', ' aria-label="Search"')

# An icon in the theme's fontawesome.js: its name, its other names, and how it is drawn.
ICON = re.compile(
    r'"?(?P<name>[\w-]+)"?:\[\d+,\d+,\[(?P<others>[^\]]*)\],"[0-9a-f]+",'
    r'(?:"[^"]*"|\["[^"]*","[^"]*"\])\],?'
)

TRY = '<p><a class="try" href="demo.html">Try the networks in your browser</a></p>'

TIME = "All of them together compute for {} on two CPU cores."


def time() -> str:
    """What all lessons take, as it was measured."""
    measured = notebooks.read_measured()["seconds"].values()
    return notebooks.minutes(sum(seconds["cpu"] for seconds in measured))


def lesson(path: Path, anchors: set[str]) -> NotebookNode:
    """A saved lesson without its own navigation, with a target before each cell in `anchors`."""
    notebook = notebooks.read(path)
    notebook.cells = [cell for cell in notebook.cells if cell.id not in FRAME]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            if cell.id == "title":  # its last paragraph leads to the neighbours
                parts = cell.source.split("\n\n")[:-1]
                # The badge would be fetched from elsewhere; the theme has a button of its own.
                cell.source = "\n\n".join(p for p in parts if notebooks.BADGE not in p)
            if cell.id in anchors:
                cell.source = f"({path.stem}-{cell.id})=\n{cell.source}"
    return notebook


def terms() -> str:
    """The glossary as a page: each term with the lesson that defines it."""
    titles = {path.stem: notebooks.title(notebooks.read(path)) for path in notebooks.lessons()}
    rows = []
    for term, (home, cell) in sorted(glossary.defined().items(), key=lambda item: item[0].lower()):
        rows.append(f"- [{term}](#{home}-{cell}), {titles[home]}")
    return "# Glossary\n\nEach term leads to the place where it is explained.\n\n" + "\n".join(rows)


def assemble(source: Path, demo: Path | None) -> None:
    """Write what Sphinx reads into an empty folder."""
    homes = glossary.defined().values()
    for name in ("conf.py", "index.md", "where_next.md", "site.css", "favicon.svg"):
        shutil.copy(SITE / name, source)
    shutil.copytree(ROOT / "readme_images", source / "readme_images")
    for name in ("README.md", "LICENSE", "data/README.md"):
        Path(source, name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    # GitHub Pages leaves out folders that begin with a dot.
    shutil.copy(ROOT / ".github" / "CONTRIBUTING.md", source)
    readme = source / "README.md"
    text = readme.read_text(encoding="utf-8").replace("](.github/", "](")
    text = text.replace("](#", "](README.md#")  # as the landing page includes parts of it
    readme.write_text(text, encoding="utf-8")
    (source / "notebooks").mkdir()
    for path in notebooks.lessons():
        here = {cell for home, cell in homes if home == path.stem}
        notebooks.write(lesson(path, here), source / "notebooks" / path.name)
    (source / "glossary.md").write_text(terms() + "\n", encoding="utf-8")
    (source / "files").mkdir()
    if demo:
        shutil.copy(demo, source / "files" / "demo.html")
    landing = source / "index.md"
    text = landing.read_text(encoding="utf-8").replace("<!-- try -->", TRY if demo else "")
    landing.write_text(text.replace("<!-- time -->", TIME.format(time())), encoding="utf-8")


def lighten(built: Path) -> None:
    """Leave of the theme's two thousand icons, 1.5 MB, those that a page or a script names."""
    icons = built / "_static" / "scripts" / "fontawesome.js"
    files = [path for path in built.rglob("*") if path.suffix in (".html", ".js") and path != icons]
    shown = {name for path in files for name in re.findall(r"fa-([\w-]+)", path.read_text("utf-8"))}

    def kept(icon: re.Match[str]) -> str:
        names = {icon["name"], *re.findall(r'"([^"]+)"', icon["others"])}
        return icon[0] if names & shown else ""

    icons.write_text(ICON.sub(kept, icons.read_text("utf-8")), encoding="utf-8")


def build(out: Path, demo: Path | None = None) -> None:
    """Build the site into a folder; an older site there is replaced.

    Ends the program where the folder holds anything else, or where Sphinx complains.
    """
    if out.exists() and any(out.iterdir()) and not (out / "searchindex.js").exists():
        sys.exit(f"{out} holds files that are no site: choose another folder.")
    with tempfile.TemporaryDirectory() as place:
        source, built = Path(place, "source"), Path(place, "built")
        source.mkdir()
        assemble(source, demo)
        if failed := build_main(
            ["-q", "-W", "--keep-going", "-b", "html", str(source), str(built)]
        ):
            sys.exit(failed)
        for page in built.rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            for label in LABELS:
                text = text.replace(label, "")
            page.write_text(text, encoding="utf-8")
        lighten(built)
        for path in notebooks.lessons():  # to download: as it is in the repository
            shutil.copy(path, built / "_sources" / "notebooks" / path.name)
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(built, out)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", nargs="?", type=Path, default=ROOT / "data" / "runs" / "site")
    parser.add_argument("--demo", type=Path)
    options = parser.parse_args()
    build(options.out, options.demo)
    print(options.out / "index.html")


if __name__ == "__main__":
    main()
