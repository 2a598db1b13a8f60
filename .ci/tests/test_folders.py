"""Folders of pictures and masks: what is read, in which order, and what is refused by name."""

from __future__ import annotations

import io
import os
import re
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image
from toys import SHARED, examples, store

import unet_helpers
from unet_helpers import FIRE, PETS, Course, Task

pytestmark = pytest.mark.usefixtures("shown")
FULL = Course("full", 7)
FIRE_SEG = SHARED / "fire_seg"


@pytest.fixture
def fires(tmp_path: Path) -> tuple[Path, Path]:
    """Eight pictures and masks of fires, 18 by 22 pixels."""
    for number, example in enumerate(examples(8, (18, 22), classes=2)):
        store(tmp_path / "images", f"img({number}).jpg", example["images"])
        store(tmp_path / "masks", f"img({number}).png", example["segmentation_masks"][..., 0])
    return tmp_path / "images", tmp_path / "masks"


def loaded(images: Path, masks: Path, task=FIRE) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Pictures and masks by stem, as a reader gets them."""
    split = unet_helpers.load_folder(images, masks, task)
    return {
        Path(e["names"].decode()).stem: (e["images"], e["segmentation_masks"][..., 0])
        for e in split.as_numpy_iterator()
    }


def report(images: Path, masks: Path, task=FIRE) -> str:
    """The list of faults, without its heading."""
    with pytest.raises(ValueError, match="Correct or remove these files") as caught:
        unet_helpers.load_folder(images, masks, task)
    heading, *lines = str(caught.value).split("\n")
    assert f"({len(lines)} faults)" in heading
    return "\n".join(lines)


# ----------------------------------------------------------------------------------- reports


def test_all_faults_of_a_folder_are_in_one_report(fires) -> None:
    images, masks = fires
    zeros = np.zeros((18, 22), "uint8")
    (masks / "img(0).png").unlink()
    store(masks, "stray.png", zeros)
    content = (images / "img(1).jpg").read_bytes()
    (images / "img(1).jpg").write_bytes(content[: len(content) // 2])
    store(masks, "img(2).png", np.zeros((18, 22, 3), "uint8"))
    store(masks, "img(3).png", np.full((18, 22), 7, "uint8"))
    store(masks, "img(4).png", np.full((18, 22), 7, "uint16"))
    store(masks, "img(5).png", zeros[:-1])
    content = (masks / "img(6).png").read_bytes()
    (masks / "img(6).png").write_bytes(content[:45])
    text = report(*fires)
    for culprit, reason in {
        "img(0).jpg": "has no twin",
        "stray.png": "has no twin",
        "img(1).jpg": "cannot be read",
        "img(2).png": "mode RGB: a mask is one channel",
        "img(3).png": "holds [7], but fire has the classes 0..1",
        "img(4).png": "holds [7], but fire has the classes 0..1",
        "img(5).png": "image and mask differ in size: (18, 22, 3) and (17, 22, 1)",
        "img(6).png": "cannot be read",
    }.items():
        (line,) = [line for line in text.splitlines() if culprit in line.split("(the nearest")[0]]
        assert reason in line


def test_missing_folder_is_named(tmp_path: Path, fires) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere is missing: correct the path"):
        unet_helpers.load_folder(fires[0], tmp_path / "nowhere", FIRE)


def test_two_files_of_one_stem_are_refused(fires) -> None:
    images, masks = fires
    store(images, "img(3).png", np.zeros((18, 22, 3), "uint8"))
    store(masks, "img(5).jpg", np.zeros((18, 22, 3), "uint8"))  # a preview beside the mask
    lines = report(*fires).splitlines()
    assert any("img(3)" in line and "keep one of the two" in line for line in lines)
    assert any("img(5)" in line and "keep one of the two" in line for line in lines)


def test_masks_with_other_names_are_told_theirs(fires) -> None:
    masks = fires[1]
    for path in list(masks.iterdir()):
        path.rename(masks / f"gt_{path.stem}_mask.png")
    (line,) = report(*fires).splitlines()
    assert "8 masks are named like gt_img(0)_mask.png" in line and line.endswith(": img(0).png")


@pytest.mark.parametrize("names", [("{}_image", "{}_mask"), ("img_{}", "gt_{}"), ("{}_sat", "{}")])
def test_names_that_differ_on_both_sides_are_one_fault(tmp_path: Path, names) -> None:
    example = examples(1, (18, 22), classes=2)[0]
    for number in (1, 2, 10, 11, 12):
        store(tmp_path / "images", f"{names[0].format(number)}.png", example["images"])
        mask = example["segmentation_masks"][..., 0]
        store(tmp_path / "masks", f"{names[1].format(number)}.png", mask)
    (line,) = report(tmp_path / "images", tmp_path / "masks").splitlines()
    assert "5 masks are named like" in line and line.endswith(f": {names[0].format(1)}.png")


def test_a_file_without_a_twin_is_told_the_nearest(fires) -> None:
    masks = fires[1]
    (masks / "img(4).png").rename(masks / "img(04).png")
    first, second = report(*fires).splitlines()
    assert "img(4).jpg: has no twin" in first + second and "img(04).png)" in first + second


@pytest.mark.parametrize("form", ["TIFF", "BMP", "GIF", "PNG"])
def test_masks_in_any_lossless_format_are_read_as_they_are(fires, form: str) -> None:
    masks = fires[1]
    before = loaded(*fires)
    for path in list(masks.iterdir()):
        mask = Image.open(path).copy()
        path.unlink()
        mask.save(path.with_suffix(f".{form.lower()}"), form)
    after = loaded(*fires)
    assert all(np.array_equal(after[stem][1], before[stem][1]) for stem in before)


@pytest.mark.parametrize("form", ["TIFF", "BMP", "GIF", "WEBP", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("name", ["img(9)", "img(9).jpg"])
def test_pictures_in_any_format_are_read_whatever_their_name(fires, form: str, name: str) -> None:
    images, masks = fires
    made = examples(1, (18, 22), classes=2)[0]
    suffix = {"JPEG2000": ".jp2"}.get(form, f".{form.lower()}")
    path = images / (name if name.endswith(".jpg") else name + suffix)
    Image.fromarray(made["images"]).save(path, form)
    store(masks, "img(9).png", made["segmentation_masks"][..., 0])
    picture = loaded(*fires)["img(9)"][0].astype(int)
    assert np.abs(picture - made["images"]).mean() < 25


def test_what_is_no_picture_is_listed(fires, shown) -> None:
    images = fires[0]
    for name in ("notes.txt", "img(1).npy", "img(2).heic", ".DS_Store", "._img(1).jpg"):
        (images / name).write_text("x")
    (images / "more.png").mkdir()
    loaded(*fires)
    said = "\n".join(shown)
    names = ("notes.txt", "img(1).npy", "img(2).heic", "more.png")
    assert all(f"`images/{name}`" in said for name in names)
    assert ".DS_Store" not in said and "._img" not in said


def test_a_folder_without_pictures_says_what_it_holds(tmp_path: Path, fires) -> None:
    (tmp_path / "arrays").mkdir()
    np.save(tmp_path / "arrays/a.npy", np.zeros(3))
    with pytest.raises(FileNotFoundError, match=r"arrays holds no picture.*, but a\.npy\."):
        unet_helpers.load_folder(fires[0], tmp_path / "arrays", FIRE)


def test_one_folder_for_both_is_refused(fires) -> None:
    with pytest.raises(ValueError, match="masks is named for pictures and masks: give each a"):
        unet_helpers.load_folder(fires[1], fires[0].parent / "images/../masks", FIRE)


def test_a_home_folder_may_be_abbreviated(fires, monkeypatch) -> None:
    home = fires[0].parent
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    assert len(unet_helpers.load_folder("~/images", "~/masks", FIRE)) == 8


@pytest.mark.skipif(os.name == "nt", reason="names there are text")
def test_a_name_that_is_no_text_is_read(fires) -> None:
    for folder, suffix in zip(fires, (".jpg", ".png"), strict=True):
        old = os.fsencode(folder / f"img(1){suffix}")
        os.rename(old, os.fsencode(folder) + b"/caf\xe9" + suffix.encode())
    split = unet_helpers.load_folder(*fires, FIRE)
    assert len(next(iter(unet_helpers.prepare(split, FIRE, size=16)))[0]) == 8


def test_a_picture_too_large_for_pillow_is_one_line_of_the_report(fires, monkeypatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    text = report(*fires)
    assert len(text.splitlines()) == 8 and text.count("has 396 pixels, too many: make it") == 8


# ------------------------------------------------------------------------------------- masks


def test_a_mask_of_0_and_255_is_one_of_0_and_1(fires) -> None:
    masks = fires[1]
    before = loaded(*fires)
    for path in masks.iterdir():
        store(masks, path.name, 255 * np.asarray(Image.open(path)))
    store(masks, "img(7).png", np.zeros((18, 22), "uint8"))  # nothing burns: fits both ways
    after = loaded(*fires)
    assert all(np.array_equal(after[stem][1], before[stem][1]) for stem in list(before)[:-1])
    assert not after["img(7)"][1].any()


def test_masks_that_mix_1_and_255_are_refused(fires) -> None:
    masks = fires[1]
    both = np.zeros((18, 22), "uint8")
    both[0, :2] = 1, 255
    store(masks, "img(2).png", both)
    text = report(*fires)
    assert "img(2).png: the mask holds [0, 1, 255], but fire has the classes 0..1" in text


def test_a_folder_that_says_fire_in_two_ways_is_reported(fires) -> None:
    masks = fires[1]
    for number in range(3):
        path = masks / f"img({number}).png"
        store(masks, path.name, 255 * np.asarray(Image.open(path)))
    text = report(*fires)
    assert "5 masks with 1, such as img(3).png, and 3 with 255, such as img(0).png" in text


def test_255_is_no_class_where_there_are_three(fires) -> None:
    masks = fires[1]
    store(masks, "img(2).png", np.full((18, 22), 255, "uint8"))
    assert "the mask holds [255], but pets has the classes 0..2" in report(*fires, PETS)


@pytest.mark.parametrize("name", ["img(1).jpg", "img(1).png"])
def test_jpeg_masks_are_refused_whatever_their_name(fires, name: str) -> None:
    masks = fires[1]
    mask = Image.open(masks / "img(1).png").copy()
    (masks / "img(1).png").unlink()
    mask.save(masks / name, "JPEG")
    assert f"{name}: cannot be read (it is a JPEG file, which may change labels" in report(*fires)


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".webp", {}),
        (".webp", {"lossless": True}),
        (".avif", {}),
        (".jp2", {}),
        (".tif", {"compression": "jpeg"}),
    ],
)
def test_masks_that_may_have_lost_something_are_refused(fires, suffix: str, options) -> None:
    masks = fires[1]
    mask = Image.open(masks / "img(1).png").copy()
    (masks / "img(1).png").unlink()
    mask.save(masks / f"img(1){suffix}", **options)
    assert f"img(1){suffix}: cannot be read (it is a" in report(*fires)


def test_masks_of_1_bit_and_of_16_are_read(fires) -> None:
    masks = fires[1]
    before = loaded(*fires)
    plain = np.asarray(Image.open(masks / "img(1).png"))
    Image.fromarray(plain > 0).save(masks / "img(1).png")
    Image.fromarray(plain.astype("uint16")).save(masks / "img(2).png")
    assert Image.open(masks / "img(1).png").mode == "1"
    after = loaded(*fires)
    np.testing.assert_array_equal(after["img(1)"][1], before["img(1)"][1])
    np.testing.assert_array_equal(after["img(2)"][1], plain)


def test_1_bit_masks_fit_those_of_255(fires) -> None:
    masks = fires[1]
    before = loaded(*fires)
    for number, path in enumerate(sorted(masks.iterdir())):
        values = np.asarray(Image.open(path)) > 0
        (Image.fromarray(values) if number % 2 else Image.fromarray(values * np.uint8(255))).save(
            path
        )
    after = loaded(*fires)
    assert all(np.array_equal(after[stem][1], before[stem][1]) for stem in before)


def palette(values: np.ndarray, colours: list[int]) -> Image.Image:
    """A picture whose pixels are numbers of these colours."""
    picture = Image.new("P", values.shape[::-1])
    picture.putdata(values.ravel().tolist())
    picture.putpalette(colours)
    return picture


BLACK, RED, WHITE = [0, 0, 0], [200, 0, 0], [255, 255, 255]


@pytest.mark.parametrize("colours", [BLACK + RED, BLACK + WHITE, [0, 0, 0, 1, 1, 1], RED + WHITE])
def test_palette_masks_are_read_by_their_numbers(fires, colours: list[int]) -> None:
    masks = fires[1]
    plain = np.asarray(Image.open(masks / "img(1).png")).copy()
    if colours == BLACK + WHITE:  # shows as 0 and 255, as do all others then
        for path in masks.iterdir():
            store(masks, path.name, 255 * np.asarray(Image.open(path)))
    palette(plain, colours).save(masks / "img(1).png")
    assert Image.open(masks / "img(1).png").mode == "P"
    np.testing.assert_array_equal(loaded(*fires)["img(1)"][1], plain)


@pytest.mark.parametrize(
    ("colours", "complaint"),
    [
        (WHITE + BLACK, r"its numbers [0, 1] show as greys [255, 0]"),
        ([9] * 6, "show as greys [9, 9]"),
        (BLACK + [127] * 3, "show as greys [0, 127]"),
        (RED + BLACK, "its palette may have other numbers than were drawn"),
        (BLACK, "its palette has 1 colours, but it holds 1"),
    ],
)
def test_palettes_that_say_something_else_are_refused(fires, colours, complaint: str) -> None:
    masks = fires[1]
    plain = np.asarray(Image.open(masks / "img(1).png")).copy()
    file = masks / "img(1).png"
    if len(colours) == 3:  # as Pillow would not write it
        palette(plain, colours + RED).save(file)
        content = file.read_bytes()
        place = content.index(b"PLTE")
        chunk = b"PLTE" + bytes(colours)
        sums = [zlib.crc32(chunk).to_bytes(4, "big"), (3).to_bytes(4, "big")]
        rest = content[place + 4 + int.from_bytes(content[place - 4 : place], "big") + 4 :]
        file.write_bytes(content[: place - 4] + sums[1] + chunk + sums[0] + rest)
    else:
        palette(plain, colours).save(file)
    assert complaint in report(*fires)


def test_palettes_that_differ_between_files_are_refused(fires) -> None:
    masks = fires[1]
    plain = np.asarray(Image.open(masks / "img(1).png")).copy()
    palette(plain, BLACK + RED).save(masks / "img(1).png")
    palette(plain, RED + WHITE).save(masks / "img(2).png")
    assert "img(2).png: its 0 is (200, 0, 0), but (0, 0, 0) in img(1).png" in report(*fires)


@pytest.mark.parametrize("values", [[0, 255], [255], [0, 1], [1]])
def test_gif_masks_are_read_as_they_were_drawn(fires, values: list[int]) -> None:
    images, masks = fires
    drawn = np.resize(np.array(values, "uint8"), (18, 22))
    for path in list(masks.iterdir()):
        path.unlink()
        Image.fromarray(drawn).save(path.with_suffix(".gif"))
    mask = loaded(images, masks)["img(1)"][1]
    np.testing.assert_array_equal(mask, drawn // max(1, drawn.max()))


def test_gif_masks_of_three_classes_keep_their_numbers(fires) -> None:
    images, masks = fires
    for path in list(masks.iterdir()):
        drawn = 2 * np.asarray(Image.open(path))
        path.unlink()
        Image.fromarray(drawn).save(path.with_suffix(".gif"))
    assert set(np.unique(loaded(images, masks, PETS)["img(1)"][1])) == {0, 2}


def raw_png(path: Path, values: np.ndarray, bits: int) -> None:
    """A grey PNG of so many bits a pixel, written by hand."""
    rows = np.unpackbits(values[..., None].astype("uint8"), axis=-1)[..., -bits:]
    packed = np.packbits(rows.reshape(len(values), -1), axis=1)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in packed))
    size = values.shape[1].to_bytes(4, "big") + values.shape[0].to_bytes(4, "big")
    content = b"\x89PNG\r\n\x1a\n"
    for kind, chunk in (
        (b"IHDR", size + bytes([bits, 0, 0, 0, 0])),
        (b"IDAT", data),
        (b"IEND", b""),
    ):
        content += len(chunk).to_bytes(4, "big") + kind + chunk
        content += zlib.crc32(kind + chunk).to_bytes(4, "big")
    path.write_bytes(content)


@pytest.mark.parametrize("bits", [2, 4])
def test_masks_of_few_bits_that_mean_other_numbers_are_refused(fires, bits: int) -> None:
    masks = fires[1]
    raw_png(masks / "img(1).png", np.asarray(Image.open(masks / "img(1).png")), bits)
    many = Task("many", tuple(map(str, range(100))), ())
    assert "its grey has 2 or 4 bits, which mean other numbers" in report(*fires, many)


def test_a_bmp_of_two_colours_is_refused(fires) -> None:
    masks = fires[1]
    plain = np.asarray(Image.open(masks / "img(1).png")).copy()
    (masks / "img(1).png").unlink()
    palette(plain, BLACK + WHITE).save(masks / "img(1).bmp")
    assert "it is a BMP of two colours: save it as PNG" in report(*fires)


def test_a_tiff_in_which_0_is_white_is_refused(fires) -> None:
    images, masks = fires
    plain = np.asarray(Image.open(masks / "img(1).png")).copy()
    (masks / "img(1).png").unlink()
    Image.fromarray(plain).save(masks / "img(1).tif", tiffinfo={262: 0})
    (images / "img(2).jpg").unlink()
    Image.fromarray(plain.astype("uint16")).save(images / "img(2).tif", tiffinfo={262: 0})
    assert report(*fires).count("its TIFF says that 0 is white") == 2


def test_white_of_16_bits_is_the_second_class(fires) -> None:
    masks = fires[1]
    before = loaded(*fires)
    for path in masks.iterdir():
        store(masks, path.name, np.uint16(65535) * np.asarray(Image.open(path)))
    after = loaded(*fires)
    assert all(np.array_equal(after[stem][1], before[stem][1]) for stem in before)


def test_more_classes_than_8_bits_are_refused(fires) -> None:
    many = Task("organs", tuple(map(str, range(300))), ())
    with pytest.raises(ValueError, match="organs has 300 classes, but masks of 8 bits 256"):
        unet_helpers.load_folder(*fires, many)


def test_a_mask_of_several_pages_is_refused(fires) -> None:
    masks = fires[1]
    mask = Image.open(masks / "img(1).png").copy()
    (masks / "img(1).png").unlink()
    mask.save(masks / "img(1).tif", save_all=True, append_images=[mask])
    assert "img(1).tif: cannot be read (it holds several pictures" in report(*fires)


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_no_damage_to_a_mask_passes_unseen(tmp_path_factory, data) -> None:
    """Whatever bytes are cut or altered: a report with the name, or the classes of the task."""
    folder = tmp_path_factory.mktemp("damage")
    example = examples(1, (18, 22), classes=2)[0]
    store(folder / "images", "a.png", example["images"])
    path = store(folder / "masks", "a.png", example["segmentation_masks"][..., 0])
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    if data.draw(st.booleans()):
        content = content[:place]
    path.write_bytes(content)
    try:
        split = unet_helpers.load_folder(folder / "images", folder / "masks", FIRE)
        (batch,) = unet_helpers.prepare(split, FIRE, size=16)
    except ValueError as error:
        assert "a.png" in str(error)
    else:
        assert set(np.unique(batch[1])) <= {0, 1}


# ---------------------------------------------------------------------------------- pictures


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("shape", [(18, 22), (20, 20)])
def test_pictures_are_turned_as_viewers_turn_them(tmp_path, orientation: int, shape) -> None:
    """The mask was drawn on what a viewer shows; the file holds it turned, and says so."""
    ways = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180}
    ways |= {4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE}
    ways |= {6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE}
    ways |= {8: Image.Transpose.ROTATE_270}
    example = examples(1, shape, classes=2)[0]
    seen, exif = Image.fromarray(example["images"]), Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    stored = seen.transpose(ways[orientation]) if orientation in ways else seen
    (tmp_path / "images").mkdir()
    stored.save(tmp_path / "images/a.png", exif=exif)
    store(tmp_path / "masks", "a.png", example["segmentation_masks"][..., 0])
    image, mask = loaded(tmp_path / "images", tmp_path / "masks")["a"]
    np.testing.assert_array_equal(image, example["images"])
    np.testing.assert_array_equal(mask, example["segmentation_masks"][..., 0])


def test_a_mask_that_an_exif_entry_turns_is_refused(fires) -> None:
    masks = fires[1]
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 3
    Image.open(masks / "img(1).png").copy().save(masks / "img(1).png", exif=exif)
    assert "an EXIF entry that turns it" in report(*fires)


def test_grey_pictures_of_a_folder_share_one_scale(fires) -> None:
    """A brighter picture beside it must not darken another one."""
    images = fires[0]
    for number, top in ((1, 1000), (2, 4000)):
        (images / f"img({number}).jpg").unlink()
        values = np.full((18, 22), 500, "uint16")
        values[0] = top
        store(images, f"img({number}).png", values)
    pictures = loaded(*fires)
    assert (
        pictures["img(1)"][0][5, 5, 0] == pictures["img(2)"][0][5, 5, 0] == round(500 * 255 / 4095)
    )


def test_pictures_of_several_pages_are_refused(fires) -> None:
    images = fires[0]
    picture = Image.open(images / "img(1).jpg").copy()
    (images / "img(1).jpg").unlink()
    picture.save(images / "img(1).tif", save_all=True, append_images=[picture] * 4)
    assert "it holds 5 pictures: save each as a file of its own" in report(*fires)


def test_a_picture_that_exif_turns_away_from_its_mask_is_explained(fires) -> None:
    images = fires[0]
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.open(images / "img(1).jpg").copy().save(images / "img(1).jpg", exif=exif)
    text = report(*fires)
    assert "(22, 18, 3) and (18, 22, 1) (the picture turned, as its EXIF entry says)" in text


@pytest.mark.parametrize("bits", [9, 12, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_grey_pictures_of_more_than_8_bits_keep_their_brightness(fires, bits, suffix) -> None:
    images = fires[0]
    grey = np.linspace(7, 255, 18 * 22).reshape(18, 22)
    (images / "img(1).jpg").unlink()
    store(images, f"img(1){suffix}", np.round(grey * (2**bits - 1) / 255).astype("uint16"))
    image, _ = loaded(*fires)["img(1)"]
    assert np.abs(image - grey[..., None]).max() <= 1


def test_pictures_of_fractions_are_refused(fires) -> None:
    images = fires[0]
    (images / "img(1).jpg").unlink()
    store(images, "img(1).tif", np.full((18, 22), 0.5, "float32"))
    assert "its pixels are fractions or negative" in report(*fires)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "CMYK", "1"])
def test_pictures_of_any_mode_become_rgb(fires, mode: str) -> None:
    images = fires[0]
    (images / "img(1).jpg").unlink()
    made = Image.fromarray(examples(1, (18, 22), classes=2)[0]["images"])
    made.convert(mode).save(images / "img(1).tif")
    image, _ = loaded(*fires)["img(1)"]
    assert image.shape == (18, 22, 3) and 40 < image.mean() < 220


def test_a_file_that_changes_after_the_check_is_named(fires) -> None:
    split = unet_helpers.load_folder(*fires, FIRE)
    (fires[0] / "img(5).jpg").write_bytes(b"gone")
    with pytest.raises(ValueError, match=r"data of fire: .*img\(5\).jpg: cannot be read"):
        unet_helpers.prepare(split, FIRE, size=16)


def damaged(picture: Image.Image) -> list[bytes]:
    """JPEG files with one byte altered, which some decoders take and others do not."""
    stream = io.BytesIO()
    picture.save(stream, "JPEG")
    generator, made = np.random.default_rng(0), []
    for _ in range(30):
        content = bytearray(stream.getvalue())
        content[generator.integers(2, len(content))] ^= int(generator.integers(1, 255))
        made.append(bytes(content))
    return made


def test_what_passes_the_check_is_read_by_prepare(tmp_path: Path) -> None:
    example = examples(1, (18, 22), classes=2)[0]
    passed = 0
    for content in damaged(Image.fromarray(example["images"])):
        store(tmp_path / "masks", "a.png", example["segmentation_masks"][..., 0])
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "images/a.jpg").write_bytes(content)
        try:
            pictures = loaded(tmp_path / "images", tmp_path / "masks")
        except ValueError as error:
            assert "a.jpg" in str(error)
        else:
            assert pictures["a"][0].shape == (18, 22, 3)
            passed += 1
    assert passed > 5


# ------------------------------------------------------------------------ order, and FireSeg


def test_names_are_in_natural_order(tmp_path: Path) -> None:
    example = examples(1, (18, 22), classes=2)[0]
    names = ["img(1)", "img(2)", "img(10)", "img(11)", "img(100)", "x", "x2y10", "x10y2"]
    for name in sorted(names):
        store(tmp_path / "images", f"{name}.png", example["images"])
        store(tmp_path / "masks", f"{name}.png", example["segmentation_masks"][..., 0])
    assert list(loaded(tmp_path / "images", tmp_path / "masks")) == names


def test_the_same_letter_in_two_spellings_is_one_name(fires) -> None:
    images, masks = fires
    (images / "img(1).jpg").rename(images / "caf\u00e9.jpg")
    (masks / "img(1).png").rename(masks / "cafe\u0301.png")
    assert len(loaded(*fires)) == 8


def fire_seg(root: Path, change: Callable[[np.ndarray], np.ndarray] = lambda mask: mask) -> Path:
    """Drawn discs in the folders and under the names in which FireSeg is handed out."""
    for part, count in (("train", 16), ("test", 4)):
        for number, example in enumerate(examples(count, (18, 22), classes=2), start=1):
            mask = change(255 * example["segmentation_masks"][..., 0])
            store(root / f"images_prepped_{part}", f"img({number}).jpg", example["images"])
            store(root / f"annotations_prepped_{part}", f"img({number}).png", mask)
    return root


def test_fire_seg_loads_as_it_is_handed_out() -> None:
    root = fire_seg(unet_helpers.DATA / "fire_seg")
    before = {path: path.read_bytes() for path in root.rglob("*.*")}
    splits = unet_helpers.load_fire(FULL)
    assert {name: len(split) for name, split in splits.items()} == {
        "train": 14,
        "validation": 2,
        "test": 4,
    }
    names = [Path(e["names"].decode()).stem for e in splits["validation"].as_numpy_iterator()]
    assert names == ["img(1)", "img(2)"]
    for number, example in enumerate(splits["train"].as_numpy_iterator(), start=2):
        truth = examples(16, (18, 22), classes=2)[number]["segmentation_masks"]
        np.testing.assert_array_equal(example["segmentation_masks"], truth)
    assert before == {path: path.read_bytes() for path in root.rglob("*.*")}, "nothing is changed"


def test_faults_of_both_parts_are_in_one_report() -> None:
    root = fire_seg(unet_helpers.DATA / "fire_seg")
    for part, name in (("train", "img(3).png"), ("test", "img(1).png")):
        store(root / f"annotations_prepped_{part}", name, np.full((18, 22), 9, "uint8"))
    with pytest.raises(ValueError) as caught:
        unet_helpers.load_fire(FULL)
    assert re.findall(r"annotations_prepped_(\w+)/(\S+)(?=:)", str(caught.value)) == [
        ("train", "img(3).png"),
        ("test", "img(1).png"),
    ]


def test_the_name_of_a_data_set_tells_its_content() -> None:
    root = fire_seg(unet_helpers.DATA / "fire_seg")
    shutil.copytree(root, unet_helpers.DATA / "sketch_fire")
    names = [unet_helpers.load_fire(course).name for course in (FULL, Course("sample", 7), FULL)]
    assert names[0] == names[2] and names[0].startswith("full_fire_seg-")
    assert names[1] == names[0].replace("full_fire_seg", "sample_sketch_fire")
    mask = root / "annotations_prepped_train/img(3).png"
    store(mask.parent, mask.name, 255 - np.asarray(Image.open(mask)))
    assert unet_helpers.load_fire(FULL).name not in names


def thumbnails(split: tf.data.Dataset) -> np.ndarray:
    """Colours of 32 by 32 pixels, of mean 0 and length 1: products of them are correlations."""
    small = [tf.image.resize(e["images"], (32, 32)).numpy().ravel() for e in split]
    small = np.stack([values - values.mean() for values in small])
    return small / np.linalg.norm(small, axis=1, keepdims=True)


@pytest.mark.skipif(not FIRE_SEG.is_dir(), reason="there is no ../shared/fire_seg")
def test_no_validation_picture_of_fire_seg_has_a_twin_in_training() -> None:
    unet_helpers.DATA.mkdir(parents=True)
    (unet_helpers.DATA / "fire_seg").symlink_to(FIRE_SEG)
    splits = unet_helpers.load_fire(FULL)
    assert {name: len(split) for name, split in splits.items()} == {
        "train": 438,
        "validation": 62,
        "test": 100,
    }
    held, learned = thumbnails(splits["validation"]), thumbnails(splits["train"])
    assert ((held @ learned.T).max(axis=1) > 0.9).sum() == 0
    # The figure can fail: as strings, or drawn at random, names take films apart.
    everything = np.concatenate([held, learned])
    by_string = np.argsort([f"img({n}).jpg" for n in range(1, 501)])
    for order, least in ((by_string, 2), (np.random.default_rng(0).permutation(500), 15)):
        held, learned = everything[order[:62]], everything[order[62:]]
        assert ((held @ learned.T).max(axis=1) > 0.9).sum() >= least
