"""Command line: `python -m data.scaling --help`."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

import psutil

from data.scaling import stop


def end_with_parent() -> None:
    """Leave as soon as the process that started this one is gone, or closes our input.

    What we have started goes first: some of Ray's processes would notice only half a minute later.
    """

    def watch() -> None:
        sys.stdin.read()
        for child in psutil.Process().children():
            stop(child)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m data.scaling")
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train a U-Net in several processes")
    train.add_argument("folder", type=Path, help="holds pictures.npz, and gets the checkpoints")
    train.add_argument("--epochs", type=int, default=6)
    predict = commands.add_parser("predict", help="write a mask of each picture in a folder")
    predict.add_argument("network", type=Path, help="a LiteRT file, as lesson 7 makes it")
    predict.add_argument("pictures", type=Path, help="a folder, and those in it")
    predict.add_argument("out", type=Path, help="gets masks/ and table.csv")
    predict.add_argument("--classes", nargs="+", required=True, help="in their order")
    serve = commands.add_parser("serve", help="prepare batches for a trainer elsewhere")
    serve.add_argument("address", help="of tf.data's dispatcher")
    rate = commands.add_parser("rate", help="measure training steps in one process")
    rate.add_argument("--threads", type=int, default=1)
    rate.add_argument("--onednn", choices=("0", "1"), help="0: by code of TensorFlow")
    for each in (train, predict):
        each.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    end_with_parent()
    try:
        run(options)
    except (OSError, ValueError, RuntimeError) as error:
        sys.exit(f"{type(error).__name__}: {' '.join(str(error).split())}")


def run(options: argparse.Namespace) -> None:
    """Do what the command line says."""
    # Only what a command needs is imported: the backend of Keras is chosen by who imports it first.
    if options.command == "train":
        from data.scaling import training

        training.train(options.folder, options.epochs, options.workers)
    elif options.command == "predict":
        from data.scaling import prediction

        where = options.network, options.pictures, options.out
        prediction.predict(*where, options.classes, options.workers)
    elif options.command == "serve":
        from data.scaling import service

        service.serve(options.address)
    else:
        from data.scaling import service

        service.rate(options.threads, options.onednn)


if __name__ == "__main__":
    main()
