"""Silence for what TensorFlow's C++ parts and the converters say of themselves."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_notes() -> Iterator[None]:
    """Leaves off what is written to file descriptor 2, past Python; no exception, no warning."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        stderr = os.dup(2)
    except OSError:  # closed
        stderr = os.dup(nowhere)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


@contextmanager
def quiet() -> Iterator[None]:
    """Leaves off these notes and warnings; no exception. Filters set within are forgotten."""
    with no_notes(), warnings.catch_warnings(action="ignore"):
        yield
