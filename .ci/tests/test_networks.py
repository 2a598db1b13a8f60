"""The training of the networks that ship: its drawings and batches."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

import notebooks
import train_networks
import unet_helpers
from data.quiet import quiet
from drawing import fires, wildfires
from drawing.textures import Picture


@pytest.mark.parametrize("what", train_networks.TASKS)
def test_drawings_are_the_same_each_time_and_hold_classes(what: str) -> None:
    image, mask = train_networks.draw((what, 3))
    again, other = train_networks.draw((what, 3)), train_networks.draw((what, 4))
    assert image.shape == (160, 160, 3) and mask.shape == (160, 160)
    assert image.dtype == mask.dtype == np.uint8
    assert mask.max() < len(train_networks.TASKS[what].classes)
    assert np.array_equal(image, again[0]) and not np.array_equal(image, other[0])


def test_drawings_are_kept_in_whole_files(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(unet_helpers, "RUNS", tmp_path)
    folder = tmp_path / "drawings" / "fire"
    folder.mkdir(parents=True)
    kept = {
        "images": np.ones((250, 160, 160, 3), "uint8"),
        "masks": np.ones((250, 160, 160), "uint8"),
    }
    np.savez_compressed(folder / "0000.npz", **kept)
    (folder / "0001.partial.npz").write_bytes(b"half a file")
    images, masks = train_networks.drawings("fire", 499, 1)  # rounded down to what is there
    assert images.shape == (250, 160, 160, 3) and masks.shape == (250, 160, 160) and images.all()


def test_batches_have_the_form_that_training_wants(monkeypatch) -> None:
    monkeypatch.setattr(train_networks, "PASSES", 48)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (5, 160, 160, 3), "uint8")
    masks = rng.integers(0, 2, (5, 160, 160), "uint8")
    found = [*train_networks.batches(images, masks, 0, 1.0)]
    assert len(found) == 3 == len(train_networks.batches(images, masks, 0, 1.0))
    for x, y in found:
        assert x.shape == (16, 128, 128, 3) and y.shape == (16, 128, 128, 1)
        assert x.dtype == "float32" and y.dtype == "int32"
        assert 0 <= x.numpy().min() and 1 < x.numpy().max() <= 255
        assert set(np.unique(y)) <= {0, 1}


def test_a_narrowed_network_answers_as_before_where_half_the_channels_say_it_all() -> None:
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Conv2D(8, 3, padding="same", use_bias=False, name="dear"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.ReLU(),
            keras.layers.Conv2D(2, 1),
        ]
    )
    model = keras.Model(model.inputs, model.outputs)  # functional, as the course's are
    rng = np.random.default_rng(1)
    model.get_layer("norm").moving_mean.assign(rng.normal(size=8))
    images = rng.uniform(0, 1, (6, 16, 16, 3)).astype("float32")
    wide = rng.normal(size=(3, 3, 3, 8))
    few = wide[..., :4] @ rng.normal(size=(4, 8))  # the other four channels are mixtures of them
    errors = []
    for kernel in (few, wide):
        model.get_layer("dear").kernel.assign(kernel)
        narrow = train_networks.narrowed(model, images)
        assert [each.shape for each in narrow.get_layer("dear_in_two").weights] == [
            (3, 3, 3, 4),
            (1, 1, 4, 8),
            (8,),
        ]
        errors.append(np.abs(narrow(images) - model(images)).max())
    assert errors[0] < 1e-4 and errors[1] > 1e-2


def test_quiet_leaves_off_notes_and_warnings_but_no_error(capfd) -> None:
    with warnings.catch_warnings(record=True) as warned, quiet():
        os.write(2, b"a note")
        warnings.warn("a warning", stacklevel=1)
    with pytest.raises(ValueError, match="an error"), quiet():
        raise ValueError("an error")
    print("heard", file=sys.stderr)
    assert capfd.readouterr().err == "heard\n" and not warned


def test_the_helper_keeps_the_filters_that_its_modules_set() -> None:
    code = "import unet_helpers, warnings; print([str(f[3]) for f in warnings.filters])"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=notebooks.ROOT, capture_output=True, text=True
    )
    assert "PIL" in done.stdout


@pytest.mark.parametrize("scene", sorted(set(wildfires.WILD) - set(fires.SCENES)))
@pytest.mark.parametrize("time", fires.TIMES)
def test_wildfires_burn_where_they_are_to(scene: str, time: str) -> None:
    def draw(fire: bool) -> Picture:
        rng = np.random.default_rng([5, len(scene), len(time)])
        return fires.draw_once(
            rng, scene, time, fire, wildfires.WILD, wildfires.WildStage, wildfires.SEEN
        )

    burning, again, calm = draw(True), draw(True), draw(False)
    assert np.array_equal(burning.image, again.image) and np.array_equal(burning.mask, again.mask)
    assert burning.image.shape == (*burning.mask.shape, 3) and burning.image.dtype == np.uint8
    assert set(np.unique(burning.mask)) <= {0, 1} and burning.facts["burning"]
    assert not calm.mask.any() and not calm.facts["burning"] and calm.image.std() > 5
    redness = burning.image[..., 0].astype(float) - burning.image[..., 2]
    assert redness[burning.mask == 1].mean() > redness[burning.mask == 0].mean()


def test_drawings_for_the_fire_network_hold_all_that_it_must_tell_apart() -> None:
    masks = [train_networks.draw(("fire", index))[1] for index in range(16)]
    assert not masks[0].any() and not masks[8].any()  # animals
    assert sum(mask.any() for mask in masks) >= 8
