"""The README's real-photograph tables: runs the lessons with COURSE_DATA=full and keeps numbers.

    python .ci/photographs.py [01 02 ...]            measures, writes .ci/measured.json
    python .ci/photographs.py --check [01 02 ...]    measures, compares, writes nothing

Only the tables of cells tagged `readme-table-NAME` are kept: no picture, no other output. Of a
lesson with cells tagged `photographs` only these run: its fires are drawings in any profile. The
table of the pets' networks gets one more row, `reference.py`'s. Where the photographs are on disk
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

from notebooks import MEASURED, find, fresh_copy, read_measured, run, write_measured
from readme import tables

TOLERANCE = 0.07  # a seed and a machine move a score this much on so few photographs
SCORE = re.compile(r"\b[01]\.\d{2,}\b")


def reference(environment: dict[str, str]) -> str:
    """Return the table row of the TensorFlow tutorial's network, trained in a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("reference.py"))]
    done = subprocess.run(
        command, check=True, env=os.environ | environment, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.strip().split("\n")[-1]


def measure(names: Sequence[str]) -> dict[str, list[str]]:
    """Run notebooks on photographs, in a copy that is thrown away; return their tables by name."""
    places = {
        name: str(Path(os.environ[name]).resolve())
        for name in ("TFDS_DATA_DIR", "KERAS_HOME")
        if name in os.environ
    }
    result = {}
    with fresh_copy() as copy:
        for path in find(names):
            print(f"{path.stem} is running", flush=True)
            environment = {"COURSE_DATA": "full"} | places
            notebook, seconds = run(copy / "notebooks" / path.name, environment, "photographs")
            found = tables(notebook)
            if "pets-networks" in found:
                found["pets-networks"].append(reference(environment))
            print(f"{path.stem} took {seconds:.0f} s", flush=True)
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
    arguments = parser.parse_args()
    try:
        found = measure(arguments.names)
    except ValueError as problem:
        sys.exit(str(problem))
    measured = read_measured()
    if arguments.check:
        old = measured["photographs"]
        wrong = [line for name in found for line in differences(old.get(name, []), found[name])]
        if wrong:
            sys.exit("\n".join([f"More than {TOLERANCE} away from {MEASURED}:", *wrong]))
    else:
        measured["photographs"] |= found
        write_measured(measured)


if __name__ == "__main__":
    main()
