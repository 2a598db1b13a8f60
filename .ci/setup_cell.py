# Finds the course, or fetches it (in Colab), and leaves the TensorFlow that is there alone.
import subprocess
import sys
from importlib import invalidate_caches
from pathlib import Path

REPOSITORY = ""  # @param {type:"string"}

here = Path.cwd()
places = [here, *here.parents]
root = next((place for place in places if (place / "unet_helpers.py").exists()), here / "course")
if not (root / "unet_helpers.py").exists():
    if not REPOSITORY:
        message = f"The course is not in {here} or above it. Open this notebook in a clone of it,"
        raise RuntimeError(f"{message} or fill in the address of its repository: REPOSITORY.")
    subprocess.run(["git", "clone", "-q", "--depth", "1", REPOSITORY, str(root)], check=True)
if "google.colab" in sys.modules:  # installs what Colab lacks
    subprocess.run([sys.executable, str(root / "data" / "colab.py")], check=True)
    invalidate_caches()
sys.path.insert(0, str(root))
import unet_helpers

course = unet_helpers.setup(seed=7)
