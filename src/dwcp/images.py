"""The memory of the machines that this host moves, made once for the largest of them.

What a machine holds follows from its size and its share of zero pages, and from nothing else:
another host, or another version, makes the very same image.
"""

from pathlib import Path

from dwcp import host, mapping
from dwcp.mapping import Mapping
from dwcp.memory import Memory

SEED = 1


class Images:
    """One image at a time: the next one takes the place of the last."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._memory: Memory | None = None
        self._zero_share = -1.0

    def fits(self, room: int) -> bool:
        """Whether this host has the memory for a machine of that size."""
        held = self._memory.size if self._memory else 0
        return room <= held or room <= held + _available(self._directory)

    def has(self, room: int, zero_share: float) -> bool:
        """False when `make` is needed."""
        held = self._memory
        return held is not None and held.size >= room and self._zero_share == zero_share

    def make(self, room: int, zero_share: float) -> None:
        """Memory for machines of up to that size. Raises OSError."""
        self._memory = None  # the other one goes first: never both
        self._memory = memory = Memory(room, self._place(room))
        self._zero_share = zero_share
        memory.fill(zero_share, SEED)

    def take(self, size: int) -> Memory:
        """After `make`. Writes to it have to be undone before the next one is taken."""
        assert self._memory
        return self._memory.part(size)

    def _place(self, room: int) -> Mapping | None:
        return mapping.shared(room, self._directory) if self._directory else None


def _available(directory: Path | None) -> int:
    return min(host.available(), mapping.free(directory)) if directory else host.available()
