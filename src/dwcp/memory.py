"""A virtual machine's memory: what is in it, which of its pages are zero, its digests."""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xxhash

from dwcp import mapping
from dwcp.mapping import Mapping
from dwcp.wire import CHUNK, PAGE, PAGES, Bits, runs

RUN = 16  # pages of one kind that lie together, and that a guest writes together
WORDS = 100  # that text is made of: lz4 and zstd then save what they save on real memory
TEXT_SHARE = 0.6  # of the pages that are not zero; the others are random
ZEROS = memoryview(bytes(CHUNK))


class Memory:
    """An image of a fixed size in bytes, a whole number of chunks."""

    def __init__(self, size: int, lies: Mapping | None = None) -> None:
        if size % CHUNK:
            raise ValueError(f"an image of {size} bytes is not a whole number of chunks")
        self.size = size
        self.chunks = size // CHUNK
        self._lies = lies or mapping.private(size)
        self.view = memoryview(self._lies.map)[:size]
        self.pages: npt.NDArray[np.uint64] = np.frombuffer(self.view, np.uint64).reshape(
            -1, PAGE // 8
        )

    def part(self, size: int) -> "Memory":
        """The first `size` bytes as an image of their own; the memory is shared."""
        return Memory(size, self._lies)

    @property
    def room(self) -> int:
        """The size of the memory that this image is a part of."""
        return len(self._lies.map)

    @property
    def path(self) -> Path | None:
        """By which other processes of this host can map it; None: they cannot."""
        return self._lies.path

    def digest(self) -> str:
        """xxh3_128 of the whole image."""
        self._lies.look(0, len(self.pages))
        digest = xxhash.xxh3_128()
        for chunk in range(self.chunks):
            for piece in self._content(chunk):
                digest.update(piece)
        return digest.hexdigest()

    def sum(self, chunk: int) -> str:
        """xxh3_64 of one chunk. Raises IndexError."""
        if not 0 <= chunk < self.chunks:
            raise IndexError(f"chunk {chunk} of {self.chunks}")
        self._lies.look(chunk * PAGES, (chunk + 1) * PAGES)
        digest = xxhash.xxh3_64()
        for piece in self._content(chunk):
            digest.update(piece)
        return digest.hexdigest()

    def zero_pages(self, chunk: int, wanted: Bits) -> Bits:
        """Which of the wanted pages of a chunk are all zero."""
        first = chunk * PAGES
        zero = np.zeros(PAGES, np.bool_)
        read = wanted
        if wanted.any():
            start, end = int(wanted.argmax()), PAGES - int(wanted[::-1].argmax())
            self._lies.look(first + start, first + end)
            present = self._lies.present(first, first + PAGES)
            if present is not None:
                zero, read = wanted & ~present, wanted & present
        self._scan(first, read, zero)
        return zero

    def _scan(self, first: int, wanted: Bits, zero: Bits) -> None:
        """Mark those of the wanted pages that are zero. Most that are not begin with something."""
        numbers = np.flatnonzero(wanted)
        numbers = numbers[self.pages[first + numbers, 0] == 0]
        if not len(numbers):
            return
        suspects = np.zeros(PAGES, np.bool_)
        suspects[numbers] = True
        for start, end in runs(suspects):
            block = self.pages[first + start : first + end]
            zero[start:end] = np.bitwise_or.reduce(block, axis=1) == 0

    def _content(self, chunk: int) -> Iterator[memoryview]:
        """All of it in order; what was never written without reading it."""
        base = chunk * CHUNK
        present = self._lies.present(chunk * PAGES, (chunk + 1) * PAGES)
        if present is None or present.all():
            yield self.view[base : base + CHUNK]
            return
        at = 0
        for start, end in runs(present):
            yield ZEROS[: (start - at) * PAGE]
            yield self.view[base + start * PAGE : base + end * PAGE]
            at = end
        yield ZEROS[: (PAGES - at) * PAGE]

    def put_back(self, first: int, content: bytes) -> None:
        """A run's old content. One that was zero costs no memory again."""
        pages = self.pages[first : first + RUN]
        before = np.frombuffer(content, np.uint64).reshape(pages.shape)
        if before.any():
            pages[:] = before
        else:
            self._lies.give_back(first, first + len(pages))

    def anew(self, size: int) -> "Memory":
        """As `part`, for who only reads: what its maker wrote since is seen."""
        self._lies.forget()
        return self.part(size)

    def fill(self, zero_share: float, seed: int) -> None:
        """Zero, text and random pages in runs, as a running machine's memory has them. For memory
        to which nothing was written yet: its zero pages then cost nothing."""
        choose = random.Random(seed)
        noise = np.random.default_rng(seed)
        text = _text(choose)
        for first in range(0, len(self.pages), RUN):
            block = self.pages[first : first + RUN]
            kind = choose.random()
            if kind < zero_share:
                continue
            if kind < zero_share + (1 - zero_share) * TEXT_SHARE:
                start = choose.randrange(len(text) - RUN)
                block[:] = text[start : start + len(block)]
            else:
                block[:] = noise.integers(1, 1 << 63, block.shape, np.uint64)


def _text(choose: random.Random) -> npt.NDArray[np.uint64]:
    """Pages of words."""
    letters = "etaoinshrdlucmfwyp"
    words = ["".join(choose.choices(letters, k=choose.randrange(2, 11))) for _ in range(WORDS)]
    pages = 128
    text = " ".join(choose.choices(words, k=pages * PAGE // 4))[: pages * PAGE]
    return np.frombuffer(text.encode(), np.uint64).reshape(pages, -1)
