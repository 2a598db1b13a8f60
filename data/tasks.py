"""What the course segments."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

# Colours of Okabe and Ito (2008), which colour-blind readers can tell apart.
DISTINCT = ("#0072B2", "#D55E00", "#F0E442", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")


def palette(count: int) -> tuple[str, ...]:
    """Colours for so many classes, of which eight are easy to tell apart."""
    hues = [n / max(count - len(DISTINCT), 1) for n in range(count - len(DISTINCT))]
    more = [colorsys.hsv_to_rgb(hue, 0.6, 0.75 + 0.25 * (n % 2)) for n, hue in enumerate(hues)]
    spelled = ["#" + "".join(f"{round(255 * part):02X}" for part in colour) for colour in more]
    return (*DISTINCT[:count], *spelled)


@dataclass(frozen=True)
class Task:
    """What is segmented: class names in the order of their mask values, and their colours.

    Without colours it gets some. `void` is the value of pixels that nobody labelled, above those of
    the classes: they count neither in the loss nor in any measure. Raises ValueError for another
    value.
    """

    name: str
    classes: tuple[str, ...]
    colours: tuple[str, ...] = ()
    void: int | None = None

    def __post_init__(self) -> None:
        if not self.colours:
            object.__setattr__(self, "colours", palette(len(self.classes)))
        if self.void is not None and not len(self.classes) <= self.void <= 255:
            low = len(self.classes)
            raise ValueError(f"void={self.void} of {self.name}: use a value from {low} to 255.")

    @property
    def values(self) -> tuple[int, ...]:
        """All that a mask may hold."""
        return (*range(len(self.classes)), *(() if self.void is None else (self.void,)))


PETS = Task("pets", ("pet", "background", "border"), ("#D55E00", "#0072B2", "#F0E442"))
FIRE = Task("fire", ("background", "fire"), ("#0072B2", "#CC79A7"))
