"""A virtual machine's memory: what is in it, which of its pages are zero, its digests."""

import mmap
import random

import numpy as np
import numpy.typing as npt
import xxhash

from dwcp.wire import CHUNK, PAGE, PAGES, Bits, runs

RUN = 16  # pages of one kind that lie together, and that a guest writes together
WORDS = 100  # that text is made of: lz4 and zstd then save what they save on real memory
TEXT_SHARE = 0.6  # of the pages that are not zero; the others are random


class Memory:
    """An image of a fixed size in bytes, a whole number of chunks."""

    def __init__(self, size: int, mapped: mmap.mmap | None = None) -> None:
        if size % CHUNK:
            raise ValueError(f"an image of {size} bytes is not a whole number of chunks")
        self.size = size
        self.chunks = size // CHUNK
        self._map = mapped or mmap.mmap(-1, size)
        self.view = memoryview(self._map)[:size]
        self.pages: npt.NDArray[np.uint64] = np.frombuffer(self.view, np.uint64).reshape(
            -1, PAGE // 8
        )

    def part(self, size: int) -> "Memory":
        """The first `size` bytes as an image of their own; the memory is shared."""
        return Memory(size, self._map)

    def digest(self) -> str:
        """xxh3_128 of the whole image."""
        return xxhash.xxh3_128(self.view).hexdigest()

    def sum(self, chunk: int) -> str:
        """xxh3_64 of one chunk. Raises IndexError."""
        if not 0 <= chunk < self.chunks:
            raise IndexError(f"chunk {chunk} of {self.chunks}")
        return xxhash.xxh3_64(self.view[chunk * CHUNK : (chunk + 1) * CHUNK]).hexdigest()

    def zero_pages(self, chunk: int, wanted: Bits) -> Bits:
        """Which of the wanted pages of a chunk are all zero."""
        zero: Bits = np.zeros(PAGES, np.bool_)
        first = chunk * PAGES
        if wanted.all():
            np.equal(np.bitwise_or.reduce(self.pages[first : first + PAGES], axis=1), 0, out=zero)
            return zero
        for start, end in runs(wanted):
            block = self.pages[first + start : first + end]
            zero[start:end] = np.bitwise_or.reduce(block, axis=1) == 0
        return zero

    def fill(self, zero_share: float, seed: int) -> None:
        """Zero, text and random pages in runs, as a running machine's memory has them."""
        choose = random.Random(seed)
        noise = np.random.default_rng(seed)
        text = _text(choose)
        for first in range(0, len(self.pages), RUN):
            block = self.pages[first : first + RUN]
            kind = choose.random()
            if kind < zero_share:
                block[:] = 0
            elif kind < zero_share + (1 - zero_share) * TEXT_SHARE:
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
