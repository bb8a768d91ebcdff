"""Faults: each changes one real parameter or resource of a range, and knows of no remedy.

A new one is a class with `inject` and `heal`, and one line in `FAULTS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PACING_FILE = "pacing"  # in the directory of the range


class Fault(Protocol):
    """Both may be done twice, and act at once on what runs already."""

    @property
    def about(self) -> str:
        """What is wrong while it is in, for a person."""

    def inject(self, directory: Path) -> None:
        """`directory` is the range's."""

    def heal(self, directory: Path) -> None:
        """As if it had never been in."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """The kernel keeps every transport stream to so many bytes in a second."""

    bytes_per_second: int

    @property
    def about(self) -> str:
        return f"every transport stream is paced to {self.bytes_per_second / 1e6:g} MB/s"

    def inject(self, directory: Path) -> None:
        draft = directory / f"{PACING_FILE}.draft"
        draft.write_text(f"{self.bytes_per_second}\n", "utf-8")
        draft.replace(directory / PACING_FILE)

    def heal(self, directory: Path) -> None:
        (directory / PACING_FILE).unlink(missing_ok=True)


FAULTS: Mapping[str, Fault] = {"amst-pacing": Pacing(40_000_000)}
