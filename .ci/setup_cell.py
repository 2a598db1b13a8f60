import subprocess
import sys
from pathlib import Path

REPOSITORY = ""  # @param {type:"string"}
if not any(Path(up, "unet_helpers.py").exists() for up in ("..", ".", "course")):
    assert REPOSITORY, "Open this in a clone of the course, or fill in its address."
    subprocess.run(["git", "clone", "--depth=1", REPOSITORY, "course"], check=True)
sys.path[:0] = ["..", ".", "course"]  # where the course may be
import unet_helpers

course = unet_helpers.setup(seed=7)
