"""Networks and their loss in Keras alone, so that they train on any of its backends (lesson 8).

A model takes float32 pixels (B, H, W, 3) in 0..255 and returns logits (B, H, W, C).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path

import keras
from keras import ops


def _check_size(size: int, halvings: int) -> None:
    if size % 2**halvings:
        step, good = 2**halvings, math.ceil(size / 2**halvings) * 2**halvings
        need = f"this network needs a multiple of {step}, for example {good}"
        raise ValueError(f"The size {size} cannot be halved {halvings} times: {need}.")


def unet(
    classes: int, filters: Sequence[int] = (8, 16, 32, 64, 128), size: int = 128
) -> keras.Model:
    """A U-Net after Ronneberger, Fischer and Brox (2015, arXiv 1505.04597), built in lesson 2.

    A level has two 3x3 convolutions with batch normalisation and a 1x1 shortcut around them (He et
    al. 2015, arXiv 1512.03385), with which few training steps go further. Max pooling leads down,
    transposed 2x2 convolutions up (a kernel as large as the stride leaves no checkerboard), and a
    skip connection by concatenation across. "Same" padding keeps the sizes.

    `filters` are the channels per level, from full resolution to the bottleneck. Returns a model from
    float32 (B, size, size, 3) in 0..255 to logits (B, size, size, classes). Raises ValueError for
    a size that cannot be halved once for each level but the last.
    """
    depth = len(filters) - 1
    _check_size(size, depth)

    def block(x: keras.KerasTensor, channels: int, name: str) -> keras.KerasTensor:
        shortcut = keras.layers.Conv2D(channels, 1, name=f"{name}_shortcut")(x)
        for step in (1, 2):
            layer = f"{name}_conv_{step}"
            x = keras.layers.Conv2D(channels, 3, padding="same", use_bias=False, name=layer)(x)
            x = keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_norm_{step}")(x)
            x = keras.layers.ReLU(name=f"{name}_relu_{step}")(x)
        return keras.layers.add([x, shortcut], name=f"{name}_add")

    inputs = keras.Input((size, size, 3), name="pixels")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scaling")(inputs)
    skips = []
    for level, channels in enumerate(filters[:-1], start=1):
        skips.append(block(x, channels, f"encoder_{level}"))
        x = keras.layers.MaxPooling2D(2, name=f"pool_{level}")(skips[-1])
    x = block(x, filters[-1], "bottleneck")
    for level in range(depth, 0, -1):
        channels = filters[level - 1]
        x = keras.layers.Conv2DTranspose(channels, 2, strides=2, name=f"up_{level}")(x)
        x = keras.layers.concatenate([skips[level - 1], x], name=f"skip_{level}")
        x = block(x, channels, f"decoder_{level}")
    return keras.Model(inputs, keras.layers.Conv2D(classes, 1, name="logits")(x), name="unet")


def mobilenetv2_unet(
    classes: int,
    weights: str | Path | None,
    alpha: float = 1.0,
    filters: Sequence[int] = (8, 32, 64, 96, 128),
    size: int = 128,
) -> keras.Model:
    """A U-Net with MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381) as encoder (lesson 3).

    `weights` of the encoder are "imagenet", a file like the one that ships, or None for random
    ones; `alpha` scales its channels (`Course.encoder` holds both). `filters` are the channels of
    the decoder, from full resolution to a sixteenth. The decoder is lean: 1x1 convolutions thin
    what comes from below and from the side, and bilinear upsampling leaves no checkerboard. A level
    has two separable convolutions, but the two largest have one ordinary one, which is quicker with
    their few channels. The skip at full resolution comes from the pixels, through a 3x3 kernel.

    Returns a model as `unet` does, whose layer `encoder` is the whole encoder. Raises ValueError
    for a size that is no multiple of 32, and RuntimeError for weights that cannot be downloaded or
    read, or that belong to another alpha.
    """
    _check_size(size, 5)
    layers, taps = keras.layers, [f"block_{number}_expand_relu" for number in (1, 3, 6, 13)]
    known = weights if weights == "imagenet" else None
    try:
        with warnings.catch_warnings(action="ignore"):  # one for each layer of another shape
            network = keras.applications.MobileNetV2((size, size, 3), alpha, False, known)
            outputs = [network.get_layer(tap).output for tap in [*taps, "block_16_project"]]
            encoder = keras.Model(network.input, outputs, name="encoder")
            if weights != known:
                encoder.load_weights(weights)
        for layer in () if weights else network.layers:  # a running mean of 1,000 steps is too slow
            if isinstance(layer, layers.BatchNormalization):
                layer.momentum = 0.9
    except Exception as error:  # the network, the disk or the file may be at fault
        way_out = "Restore it (`git checkout -- data`) or pass the alpha that it was made for"
        if known:
            way_out = "Run this cell again with a network, or set COURSE_DATA=sample"
        text = " ".join(str(error).split())[:200]
        reason = f"for alpha {alpha}: {type(error).__name__}, {text}"
        raise RuntimeError(f"Cannot load the weights {weights} {reason}. {way_out}.") from error

    inputs = keras.Input((size, size, 3), name="pixels")
    scaled = layers.Rescaling(1 / 127.5, offset=-1, name="scaling")(inputs)
    *skips, x = encoder(scaled)
    x = layers.Dropout(0.2)(x)
    for channels, skip in zip(filters[::-1], [*skips[::-1], scaled], strict=True):
        kernel, small = 3 if skip is scaled else 1, skip.shape[1] < size // 2
        x = layers.Conv2D(channels, 1, use_bias=False)(x)
        x = layers.UpSampling2D(interpolation="bilinear")(x)
        thin = layers.Conv2D(channels, kernel, padding="same", use_bias=False)(skip)
        x = layers.concatenate([x, thin])
        for convolution in [layers.SeparableConv2D] * 2 if small else [layers.Conv2D]:
            x = convolution(channels, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    return keras.Model(inputs, layers.Conv2D(classes, 1, name="logits")(x), name="mobilenetv2_unet")


def freeze_encoder(model: keras.Model) -> None:
    """Keeps the encoder of `mobilenetv2_unet` as it is while the rest trains (lesson 3)."""
    model.get_layer("encoder").trainable = False


def unfreeze_encoder(model: keras.Model) -> None:
    """Lets the encoder train, except its batch normalisation, whose statistics stay (lesson 4)."""
    encoder = model.get_layer("encoder")
    encoder.trainable = True
    for layer in encoder.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)


@keras.saving.register_keras_serializable("unet_course")
def segmentation_loss(masks: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """Cross-entropy plus soft Dice loss, both from logits (built in lesson 2).

    Cross-entropy judges each pixel; Dice (Milletari, Navab and Ahmadi 2016, arXiv 1606.04797)
    judges each class as a region, so that the thin border counts as much as the background.

    From masks, integers (B, H, W, 1), and logits (B, H, W, C) to float32 (B, H, W): the
    cross-entropy of each pixel plus the Dice loss of the batch. Pixels of no class, so void ones,
    count in neither: the cross-entropy of the others makes up for theirs.
    """
    # A row a class, as TensorFlow is slow along an axis of two or three numbers.
    scores = ops.transpose(ops.reshape(logits, (-1, logits.shape[-1])))
    truth = ops.one_hot(ops.reshape(ops.cast(masks, "int32"), (-1,)), scores.shape[0], axis=0)
    log_softmax = scores - ops.logsumexp(scores, axis=0)
    labelled = ops.sum(truth, axis=0)
    share = ops.maximum(ops.mean(labelled), 1e-6)
    cross_entropy = -ops.sum(truth * log_softmax, axis=0) / share
    softmax = ops.exp(log_softmax) * labelled
    dice = (2 * ops.sum(truth * softmax, axis=1) + 1) / (ops.sum(truth + softmax, axis=1) + 1)
    return ops.reshape(cross_entropy + 1 - ops.mean(dice), ops.shape(masks)[:-1])
