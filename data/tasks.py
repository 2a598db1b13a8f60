"""What the course segments."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """What is segmented: class names in the order of their mask values, and their colours."""

    name: str
    classes: tuple[str, ...]
    colours: tuple[str, ...]


# Colours of Okabe and Ito (2008), which colour-blind readers can tell apart.
PETS = Task("pets", ("pet", "background", "border"), ("#D55E00", "#0072B2", "#F0E442"))
FIRE = Task("fire", ("background", "fire"), ("#0072B2", "#CC79A7"))
