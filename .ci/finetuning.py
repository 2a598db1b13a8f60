"""What fine-tuning brings on photographs: cross-validation on the train split of the real pets.

    TFDS_DATA_DIR=... KERAS_HOME=... python .ci/finetuning.py

Four times, three quarters of the pictures teach lesson 5's network on MobileNetV2 by that lesson's
own settings, with its encoder frozen, and the last quarter judges. From there it learns on in each
of WAYS, for TUNING more epochs on sharp pictures. The judgements of all four quarters are pooled:
each picture is judged once by a network that never learned from it (though it helped to pick the
best epoch, in each way alike), and intervals of gains are paired. The test split is never read.

Writes the table `fine-tuning` into .ci/measured.json, from where readme.py takes it. Two quarters
run at a time, as TensorFlow builds its graphs on one core.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from notebooks import defined, read_measured, write_measured

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import unet_helpers
from unet_helpers import PETS, keras, keras_cv, np

QUARTERS = 4
COURSE = unet_helpers.Course("full", 7)
WAYS = (  # who learns on, and at which peak rate
    ("decoder only", 3e-4),
    ("all layers", 1e-4),
    ("all layers", 3e-4),
    ("all layers", 1e-3),
    ("decoder and maps of 8 by 8 or less", 3e-4),
)


def settings() -> dict[str, object]:
    """Return what lesson 5 chooses for pets: epochs, filters and augmentation."""
    scope = {"keras_cv": keras_cv, "PETS": PETS, "course": COURSE}
    return defined("05", "pets-recipe", "pets-augmentation", "pets-filters", **scope)


def wake(model: keras.Model, who: str) -> None:
    """Make the layers learn that a way names."""
    unet_helpers.freeze_encoder(model)
    if who != "decoder only":
        unet_helpers.unfreeze_encoder(model)
    if "8 by 8" in who:
        for layer in model.get_layer("encoder").layers[1:]:
            layer.trainable &= layer.output.shape[1] <= 8


def judged(quarter: int) -> list[np.ndarray]:
    """Return the judging quarter's confusion matrices, frozen and after each way."""
    recipe, splits = settings(), unet_helpers.load_pets(COURSE)
    pictures = splits["validation"].concatenate(splits["train"])
    count = len(pictures) // QUARTERS
    before, after = pictures.take(quarter * count), pictures.skip((quarter + 1) * count)
    teaching, judging = before.concatenate(after), pictures.skip(quarter * count).take(count)
    options = {"batch_size": 8, "training": True, "at_least": 4 * len(teaching)}
    turned, sharp = (
        unet_helpers.prepare(teaching, PETS, augment=recipe[name], **options)
        for name in ("TURNED", "SHARP")
    )
    test = unet_helpers.prepare(judging, PETS)

    keras.utils.set_random_seed(COURSE.seed)
    model = unet_helpers.mobilenetv2_unet(3, **COURSE.encoder, filters=recipe["FILTERS"])
    unet_helpers.freeze_encoder(model)
    run = f"crossvalidation_{quarter}"
    rest = {"epochs": recipe["EPOCHS"], "run": run, "learning_rate": 2e-3}
    unet_helpers.train(model, turned, test, PETS, **rest)
    results, start = [unet_helpers.evaluate(model, test, PETS)], model.get_weights()
    for who, rate in WAYS:
        wake(model, who)
        model.set_weights(start)
        keras.utils.set_random_seed(COURSE.seed)
        rest = {"epochs": recipe["TUNING_EPOCHS"], "run": run, "learning_rate": rate}
        unet_helpers.train(model, sharp, test, PETS, **rest)
        results.append(unet_helpers.evaluate(model, test, PETS))
    return [result.confusion for result in results]


def main() -> None:
    """Run all quarters, print the table and keep it."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        quarters = list(pool.map(judged, range(QUARTERS)))
    frozen, *tuned = (
        unet_helpers.Evaluation(PETS, np.concatenate(parts), 128)
        for parts in zip(*quarters, strict=True)
    )
    base = frozen.bootstrap(unet_helpers.mean_iou)
    rows = [{"who learns on": "(before)", "peak rate": "", "mean IoU": frozen.summary["mean IoU"]}]
    rows[0] |= {"gain": "", "95 % interval": "", "border": frozen.summary["border"]}
    for (who, rate), result in zip(WAYS, tuned, strict=True):
        low, high = np.percentile(result.bootstrap(unet_helpers.mean_iou) - base, (2.5, 97.5))
        row = {
            "who learns on": who,
            "peak rate": f"{rate:g}",
            "mean IoU": result.summary["mean IoU"],
        }
        row["gain"] = f"{result.summary['mean IoU'] - frozen.summary['mean IoU']:+.3f}"
        row["95 % interval"] = f"{low:+.3f} to {high:+.3f}"
        rows.append(row | {"border": result.summary["border"]})
    table = unet_helpers.table(rows).data
    print(table)
    measured = read_measured()
    measured["photographs"]["fine-tuning"] = table.split("\n")
    write_measured(measured)


if __name__ == "__main__":
    main()
