"""Faults: each changes one real parameter or resource of the range, and knows of no remedy."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Pacing:
    """The kernel keeps every transport stream to so many bytes in a second."""

    bytes_per_second: int

    def inject(self, directory: Path) -> None:
        draft = directory / "pacing.draft"
        draft.write_text(f"{self.bytes_per_second}\n", "utf-8")
        draft.replace(directory / "pacing")

    def heal(self, directory: Path) -> None:
        (directory / "pacing").unlink(missing_ok=True)


FAULTS: Mapping[str, Pacing] = {"amst-pacing": Pacing(80_000_000)}
