"""Training in several processes: Keras on JAX, placed, watched and restarted by Ray Train."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data.scaling import free_address
from data.scaling.cluster import ray_on

if TYPE_CHECKING:
    import keras

PICTURES, EVENTS = "pictures.npz", "events.txt"
WEIGHTS, HISTORY = "network.weights.h5", "history.json"
BATCH, RATE, SEED = 16, 1e-3, 7
FILTERS = (8, 16, 32)  # JAX compiles for a minute where there are more


def share(
    images: np.ndarray, masks: np.ndarray, rank: int, ranks: int, epoch: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """One rank's part of each batch, from an epoch on and without an end.

    The order of an epoch follows from its number alone: after a restart it is the same one.
    """
    part = BATCH // ranks
    while True:
        order = np.random.default_rng([SEED, epoch]).permutation(len(images))
        for first in range(0, len(images) - BATCH + 1, BATCH):
            mine = order[first + rank * part : first + (rank + 1) * part]
            yield images[mine].astype("float32"), masks[mine].astype("int32")
        epoch += 1


def last_epoch(folder: Path) -> Path | None:
    """Where the last epoch that was kept as a whole is, if there is one."""
    return max(folder.glob("epoch-[0-9][0-9][0-9][0-9]"), default=None)


def keep_epoch(
    folder: Path, model: keras.Model, history: list[dict[str, object]], rank: int
) -> None:
    """Keep all of a model's variables, its optimizer's too, under a name that only a whole one has.

    Every rank calls it, and rank 0 keeps: JAX gathers what is saved, so one alone would wait forever.
    """
    before, part = last_epoch(folder), folder / f"unfinished-{rank}"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    model.save_weights(part / WEIGHTS)
    Path(part, HISTORY).write_text(json.dumps(history))
    if rank == 0:
        part.rename(folder / f"epoch-{len(history):04d}")
        if before:
            shutil.rmtree(before)


def work(config: dict[str, object]) -> None:
    """What each rank does: it trains on its part of each batch, and all keep the same variables."""
    import jax
    import ray.train
    from jax.experimental import multihost_utils
    from ray.train.collective import broadcast_from_rank_zero

    folder = Path(config["folder"])
    context = ray.train.get_context()
    rank, ranks = context.get_world_rank(), context.get_world_size()

    def tell(text: str) -> None:
        with Path(folder, EVENTS).open("a") as events:
            events.write(f"rank {rank}, process {os.getpid()}: {text}\n")

    # JAX's newer way to draw random numbers takes much longer to compile, for each form of weights.
    jax.config.update("jax_threefry_partitionable", False)
    # A rank that is restarted finds what was compiled before.
    jax.config.update("jax_compilation_cache_dir", str(folder / "compiled"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    # The ranks find each other, and from here on JAX computes with the devices of all of them.
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    address = broadcast_from_rank_zero(free_address() if rank == 0 else None)
    waits = {"initialization_timeout": 60, "heartbeat_timeout_seconds": 10}
    jax.distributed.initialize(address, ranks, rank, coordinator_bind_address=address, **waits)

    import keras

    from data import models

    keras.utils.set_random_seed(SEED)  # all ranks begin with the same weights
    with np.load(folder / PICTURES) as pictures:
        images, masks = pictures["images"], pictures["masks"]
    model = models.unet(int(config["classes"]), FILTERS, images.shape[1])
    model.compile(keras.optimizers.Adam(RATE), loss=models.segmentation_loss)
    model.optimizer.build(model.trainable_variables)  # so that its state can be loaded
    kept, history = last_epoch(folder), []
    if kept:
        model.load_weights(kept / WEIGHTS)
        history = json.loads(Path(kept, HISTORY).read_text())
        tell(f"goes on after epoch {len(history)}")

    # From here on a variable is one array of all ranks. Built after this line, a model would be the
    # same, but JAX would compare each variable between the ranks first, one by one.
    parallel = keras.distribution.DataParallel(auto_shard_dataset=False)
    keras.distribution.set_distribution(parallel)
    variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    for variable in variables:
        place = parallel.get_variable_layout(variable).backend_layout
        held = np.asarray(variable.value)
        variable.assign(jax.make_array_from_process_local_data(place, held))

    def fingerprint() -> np.ndarray:
        held = b"".join(np.asarray(v.value.addressable_data(0)).tobytes() for v in variables)
        return np.frombuffer(hashlib.sha256(held).digest(), "uint8")

    def keep(epoch: int, logs: dict[str, float]) -> None:
        prints = multihost_utils.process_allgather(fingerprint())
        told = [bytes(each).hex()[:12] for each in prints]
        history.append({"epoch": epoch + 1, "loss": float(logs["loss"]), "variables": told})
        keep_epoch(folder, model, history, rank)
        tell(f"epoch {epoch + 1} is kept, loss {logs['loss']:.4f}")

    begin = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, _: tell(f"epoch {epoch + 1} begins"), on_epoch_end=keep
    )
    model.fit(
        share(images, masks, rank, ranks, len(history)),
        steps_per_epoch=len(images) // BATCH,
        initial_epoch=len(history),
        epochs=int(config["epochs"]),
        callbacks=[begin],
        verbose=0,
    )


def train(folder: Path, epochs: int, workers: int) -> None:
    """Trains `unet` on FOLDER/pictures.npz (`images` uint8 (N, S, S, 3), `masks` (N, S, S, 1)).

    Prints what the ranks tell, and at the end the history as JSON: epoch, loss and, for each rank, a
    hash of all variables. FOLDER/epoch-0006 is the last whole epoch: the same call goes on after it, as
    do the ranks that Ray restarts, at most three times.

    Raises ValueError where `workers` do not divide a batch, FileNotFoundError without pictures, and
    RuntimeError where the ranks failed too often.
    """
    if workers < 1 or BATCH % workers:
        raise ValueError(f"{workers} workers cannot share batches of {BATCH}: take 1, 2, 4, 8, 16.")
    if not Path(folder, PICTURES).is_file():
        raise FileNotFoundError(f"{folder} holds no {PICTURES}: lesson 8 writes it.")
    with np.load(folder / PICTURES) as pictures:
        classes, count = int(pictures["masks"].max()) + 1, len(pictures["images"])
    if count < BATCH:
        raise ValueError(f"{folder / PICTURES} holds {count} pictures, less than a batch, {BATCH}.")
    Path(folder, EVENTS).write_text("")
    with ray_on(workers, KERAS_BACKEND="jax", JAX_PLATFORMS="cpu") as place:
        from ray.train import FailureConfig, RunConfig, ScalingConfig
        from ray.train.v2.api.exceptions import TrainingFailedError
        from ray.train.v2.jax import JaxTrainer

        trainer = JaxTrainer(
            work,
            train_loop_config={"folder": str(folder), "classes": classes, "epochs": epochs},
            scaling_config=ScalingConfig(num_workers=workers),
            run_config=RunConfig(
                storage_path=str(place), failure_config=FailureConfig(max_failures=3)
            ),
        )
        done = threading.Event()
        teller = threading.Thread(target=_repeat, args=(Path(folder, EVENTS), done))
        teller.start()
        try:
            trainer.fit()
        except TrainingFailedError as error:
            raise RuntimeError(f"The ranks failed too often: {error}") from error
        finally:
            done.set()
            teller.join()
    print(Path(last_epoch(folder), HISTORY).read_text())


def _repeat(events: Path, done: threading.Event) -> None:
    """Print a file's lines as they are written, until `done`."""
    with events.open() as lines:
        last = False
        while not last:
            last = done.is_set()  # what was written before that is printed still
            for line in lines:
                print(line, end="", flush=True)
            time.sleep(0.05)
