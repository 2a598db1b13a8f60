"""A worker of tf.data's service, and a measurement of training steps (lesson 8)."""

from __future__ import annotations

import os
import time


def serve(address: str) -> None:
    """Prepare batches for whom the dispatcher at `address` says, until our input ends."""
    import tensorflow as tf

    config = tf.data.experimental.service.WorkerConfig(
        dispatcher_address=address, worker_address="127.0.0.1:%port%"
    )
    worker = tf.data.experimental.service.WorkerServer(config)
    print("ready", flush=True)
    worker.join()


def rate(threads: int, onednn: str | None, seconds: float = 3) -> None:
    """Print how many pictures a second a step of lesson 8's network trains, with so many threads.

    With `onednn` "0" TensorFlow computes by code of its own, with None as the helper has it.
    """
    if onednn is not None:
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = onednn
    import unet_helpers as course
    from unet_helpers import tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    model = course.unet(2, (8, 16, 32), size=64)
    optimizer = course.keras.optimizers.Adam()
    images = tf.random.uniform((16, 64, 64, 3), 0, 255)
    masks = tf.zeros((16, 64, 64, 1), tf.int32)
    model.compile(optimizer, loss=course.segmentation_loss)
    for _ in range(3):
        model.train_on_batch(images, masks)
    print("ready", flush=True)
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        model.train_on_batch(images, masks)
        steps += 1
    print(f"{16 * steps / (time.perf_counter() - start):.1f}", flush=True)
