"""What the faces need to know of drills that were run."""

from collections.abc import Sequence
from typing import Protocol

from playcall.core.drilled import Kept


class DrillHistory(Protocol):
    def kept(self) -> Sequence[Kept]:
        """The reports that can be read, the newest first."""
        ...

    def report(self, name: str) -> str | None:
        """As Markdown; None: there is no such report."""
        ...
