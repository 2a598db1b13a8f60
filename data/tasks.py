"""What the course segments."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """What is segmented: class names in the order of their mask values, and their colours.

    `void` is the value of pixels that nobody labelled, above those of the classes: they count
    neither in the loss nor in any measure. Raises ValueError for another value.
    """

    name: str
    classes: tuple[str, ...]
    colours: tuple[str, ...]
    void: int | None = None

    def __post_init__(self) -> None:
        if self.void is not None and not len(self.classes) <= self.void <= 255:
            low = len(self.classes)
            raise ValueError(f"void={self.void} of {self.name}: use a value from {low} to 255.")

    @property
    def values(self) -> tuple[int, ...]:
        """All that a mask may hold."""
        return (*range(len(self.classes)), *(() if self.void is None else (self.void,)))


# Colours of Okabe and Ito (2008), which colour-blind readers can tell apart.
PETS = Task("pets", ("pet", "background", "border"), ("#D55E00", "#0072B2", "#F0E442"))
FIRE = Task("fire", ("background", "fire"), ("#0072B2", "#CC79A7"))
