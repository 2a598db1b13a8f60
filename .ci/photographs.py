"""The README's real-photograph tables: runs the lessons with COURSE_DATA=full and keeps numbers.

    python .ci/photographs.py [03 05 ...]            measures, writes .ci/measured.json
    python .ci/photographs.py --check [03 05 ...]    measures, compares, writes nothing
    python .ci/photographs.py --short [03 05 ...]    trains for an epoch each, writes nothing

Only the tables of cells tagged `readme-table-NAME` are kept: no picture, no other output. Of a
lesson with cells tagged `photographs` only these run. FireSeg is measured where data/fire_seg/ is
there. The tables of networks get the rows of `reference.py` too. Where the photographs are on disk
already, TFDS_DATA_DIR and KERAS_HOME say where (see the README).
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from notebooks import (
    MEASURED,
    ROOT,
    find,
    fresh_copy,
    read_measured,
    run,
    shorten,
    write_measured,
)
from readme import tables

TOLERANCE = 0.07  # a seed and a machine move a score this much on so few photographs
SCORE = re.compile(r"\b[01]\.\d{2,}\b")


def reference(task: str, place: Path, environment: dict[str, str]) -> list[str]:
    """Return the table rows of the TensorFlow tutorial's network, trained in another process."""
    command = [sys.executable, str(place / ".ci" / "reference.py"), task]
    done = subprocess.run(
        command, check=True, env=os.environ | environment, stdout=subprocess.PIPE, text=True
    )
    return [line for line in done.stdout.split("\n") if line.startswith("| ")]


def measure(names: Sequence[str], short: bool = False) -> dict[str, list[str]]:
    """Run notebooks on photographs, in a copy that is thrown away; return their tables by name."""
    places = {
        name: str(Path(os.environ[name]).expanduser().resolve())
        for name in ("TFDS_DATA_DIR", "KERAS_HOME")
        if name in os.environ
    }
    environment, result = {"COURSE_DATA": "full", "COURSE_RUNS": ""} | places, {}
    with fresh_copy() as copy:
        if (ROOT / "data" / "fire_seg").is_dir():
            (copy / "data" / "fire_seg").symlink_to((ROOT / "data" / "fire_seg").resolve())
        if short:
            shorten(copy, epochs=1)
        for path in find(names):
            notebook, _, _ = run(copy / "notebooks" / path.name, environment, "photographs")
            found = tables(notebook)
            for name in [] if short else found.keys() & {"pets-networks", "fire-networks"}:
                found[name] += reference(name.split("-")[0], copy, environment)
            for lines in found.values():
                print("", *lines, "", sep="\n", flush=True)
            result |= found
    return result


def differences(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """Return the lines of table `new` whose scores lie further than TOLERANCE from those of `old`."""
    if len(old) != len(new):
        return list(new)
    wrong = []
    for before, after in zip(old, new, strict=True):
        scores = [[float(score) for score in SCORE.findall(line)] for line in (before, after)]
        pairs = zip(*scores, strict=False)
        same = len(scores[0]) == len(scores[1])
        if not same or any(abs(first - second) > TOLERANCE for first, second in pairs):
            wrong.append(f"{after}\n  README: {before}")
    return wrong


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="01 or 01_data_loading; or all")
    parser.add_argument("--check", action="store_true", help="compare with the README's tables")
    parser.add_argument("--short", action="store_true", help="only show that everything runs")
    arguments = parser.parse_args()
    try:
        found = measure(arguments.names, arguments.short)
    except ValueError as problem:
        sys.exit(str(problem))
    measured = read_measured()
    if arguments.check:
        old = measured["photographs"]
        wrong = [line for name in found for line in differences(old.get(name, []), found[name])]
        if wrong:
            sys.exit("\n".join([f"More than {TOLERANCE} away from {MEASURED}:", *wrong]))
    elif not arguments.short:
        measured["photographs"] |= found
        write_measured(measured)


if __name__ == "__main__":
    main()
