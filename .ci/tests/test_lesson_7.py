"""What lesson 7 shows keeps what it promises, and its functions do what they say."""

import numpy as np

import notebooks
import unet_helpers

LESSON = "07_export"


def saved_table(cell_id: str) -> list[dict[str, str]]:
    """The rows of a table in the saved lesson."""
    (path,) = notebooks.find([LESSON])
    cell = next(cell for cell in notebooks.read(path).cells if cell.id == cell_id)
    text = next(o["data"]["text/markdown"] for o in cell.outputs if "text/markdown" in o["data"])
    head, _, *rows = (
        [part.strip() for part in line.strip("| ").split(" |")] for line in text.split("\n")
    )
    return [dict(zip(head, row, strict=False)) for row in rows]


def test_exports_are_what_keras_answers() -> None:
    for name, measure in (("fire", "fire IoU"), ("pets", "mean IoU")):
        rows = {row["form"]: row for row in saved_table(f"{name}-table")}
        assert list(rows) == ["Keras", "ONNX", "LiteRT", "float16", "int8"]
        for form in ("ONNX", "LiteRT"):
            assert float(rows[form]["largest difference of a logit"]) < 1e-3
        lost = float(rows["Keras"][measure]) - float(rows["int8"][measure])
        assert float(rows["int8"]["MB"]) <= 0.8 and lost <= 0.01
        assert float(rows["float16"]["MB"]) < 0.6 * float(rows["LiteRT"]["MB"])


def test_wrong_pictures_spoil_an_export() -> None:
    right, wrong = saved_table("wrong")
    assert float(wrong["fire IoU"]) == 0 and right["MB"] == wrong["MB"]


def test_gain_is_the_interval_of_a_paired_difference() -> None:
    rng = np.random.default_rng(0)
    given = {"np": np, "unet_helpers": unet_helpers, "TASKS": {"fire": unet_helpers.FIRE}}
    scope = notebooks.defined(LESSON, "measures", "judged", "gain", tests={}, **given)
    scope["reference"] = {"fire": rng.random((6, 8, 8, 2))}
    scope["masks"] = {"fire": rng.integers(0, 2, (6, 8, 8))}
    same = scope["judged"]("fire", scope["reference"]["fire"])
    assert scope["gain"]("fire", same) == "+0.00000 to +0.00000"
    perfect = np.eye(2)[scope["masks"]["fire"]]
    low, high = (
        float(end) for end in scope["gain"]("fire", scope["judged"]("fire", perfect)).split(" to ")
    )
    assert 0 < low < high
