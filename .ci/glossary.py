"""The glossary: which cell defines each term of the course, and where it is first used.

    python .ci/glossary.py     a line for each term; those used too early are marked

.ci/glossary.json names the terms by lesson and by the cell that defines them. A term counts as used
where its words stand in the prose, in any case, singular or plural. Headings, the lists of what is
to be learned, contents and further reading announce terms, and do not count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from notebooks import ROOT, lessons, read

GLOSSARY = ROOT / ".ci" / "glossary.json"
ANNOUNCING = {"title", "objectives", "contents", "navigation", "reading"}
Place = tuple[str, str]  # a lesson and the id of one of its cells


def defined() -> dict[str, Place]:
    """Return the defining cell of each term."""
    known = json.loads(GLOSSARY.read_text(encoding="utf-8"))
    return {
        term: (lesson, cell)
        for lesson, cells in known.items()
        for cell, terms in cells.items()
        for term in terms
    }


def prose() -> Iterator[tuple[Place, str]]:
    """Yield the place and the words of each cell of text, in the order of the course."""
    for path in lessons():
        for cell in read(path).cells:
            if cell.cell_type == "markdown" and cell.id not in ANNOUNCING:
                text = re.sub(r"^#.*", "", cell.source, flags=re.MULTILINE)
                text = re.sub(r"```.*?```|`[^`]*`", " ", text, flags=re.DOTALL)
                text = re.sub(r"\]\([^)]*\)|\*|_", "", text)
                yield (path.stem, cell.id), " ".join(text.split())


def uses(term: str) -> list[Place]:
    """Return the cells whose prose uses a term, in the order of the course."""
    words = re.escape(term).replace(r"\ ", r"[\s-]").replace(r"\-", r"[\s-]")
    pattern = re.compile(rf"(?<![\w-]){words}(?:s|es)?\b", re.IGNORECASE)
    return [place for place, text in prose() if pattern.search(text)]


def too_early() -> list[str]:
    """Return, one line each, the terms that are used before the sentence that defines them."""
    order = {place: number for number, (place, _) in enumerate(prose())}
    complaints = []
    for term, home in defined().items():
        found = uses(term)
        if home not in found:
            complaints.append(f"{term}: {' '.join(home)} does not hold it")
        elif order[found[0]] < order[home]:
            complaints.append(f"{term}: used in {' '.join(found[0])}, defined in {' '.join(home)}")
    return complaints


if __name__ == "__main__":
    wrong = {line.split(":")[0] for line in too_early()}
    for term, home in defined().items():
        first = uses(term)
        shown = " ".join(first[0]) if first else "nowhere"
        print(
            f"{'! ' if term in wrong else ''}{term}: defined in {' '.join(home)}, first in {shown}"
        )
