# Finds the course, or fetches it (in Colab), and leaves the TensorFlow that is there alone.
import subprocess
import sys
from importlib import invalidate_caches, metadata, util
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
if "google.colab" in sys.modules:
    wanted = {"keras_cv": "keras-cv==0.9.0", "importlib_resources": "importlib-resources==7.1.0"}
    needed = [package for module, package in wanted.items() if not util.find_spec(module)]
    schema = [sys.executable, "-c", "import tensorflow_metadata.proto.v0.schema_pb2"]
    if subprocess.run(schema, check=False, capture_output=True).returncode:  # protobuf too old
        needed += ["tensorflow-metadata==1.17.3"]
    if needed:
        needed += [f"{name}=={metadata.version(name)}" for name in ("tensorflow", "keras", "numpy")]
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", *needed], check=True)
        invalidate_caches()
sys.path.insert(0, str(root))
import unet_helpers

course = unet_helpers.setup(seed=7)
