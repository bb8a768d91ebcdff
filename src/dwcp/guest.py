"""A virtual machine's memory, and the guest that keeps writing to it while it is moved."""

import mmap
import random
import threading

import numpy as np
import numpy.typing as npt
import xxhash

from dwcp.wire import CHUNK, PAGE, Bits

RUN = 16  # pages of one kind that lie together
_TEXT = b"the quick migration moved over the lazy network; "


class Memory:
    """One image of a fixed size in bytes, a whole number of chunks."""

    def __init__(self, size: int) -> None:
        if size % CHUNK:
            raise ValueError(f"an image of {size} bytes is not a whole number of chunks")
        self.size = size
        self.chunks = size // CHUNK
        self._map = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._map.madvise(mmap.MADV_HUGEPAGE)
        self.view = memoryview(self._map)
        self.pages: npt.NDArray[np.uint64] = np.frombuffer(self._map, np.uint64).reshape(
            -1, PAGE // 8
        )

    def digest(self) -> str:
        """xxh3_128 of the whole image."""
        return xxhash.xxh3_128(self.view).hexdigest()

    def zero_pages(self, chunk: int) -> Bits:
        """Which pages of a chunk are all zero."""
        first = chunk * (CHUNK // PAGE)
        block = self.pages[first : first + CHUNK // PAGE]
        zero: Bits = np.bitwise_or.reduce(block, axis=1) == 0
        return zero

    def fill(self, zero_share: float, seed: int) -> None:
        """Zero, text and random pages in runs, as a running machine's memory has them."""
        choose = random.Random(seed)
        noise = np.random.default_rng(seed)
        text = np.frombuffer((_TEXT * (RUN * PAGE // len(_TEXT) + 1))[: RUN * PAGE], np.uint64)
        for first in range(0, len(self.pages), RUN):
            block = self.pages[first : first + RUN]
            kind = choose.random()
            if kind < zero_share:
                block[:] = 0
            elif kind < zero_share + (1 - zero_share) * 0.6:
                block[:] = text.reshape(RUN, -1)[: len(block)]
            else:
                block[:] = noise.integers(1, 1 << 63, block.shape, np.uint64)


class Guest:
    """Writes to its working set until it is paused, and logs which pages it wrote.

    The working set is `share` of the memory, always the same pages; all else stays as it is.
    """

    def __init__(self, memory: Memory, share: float, seed: int) -> None:
        self._memory = memory
        self._dirty = np.zeros(len(memory.pages), np.bool_)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._every = max(1, round(1 / share)) if share else 0  # one page in so many is written
        self._left = len(memory.pages) // self._every if share else 0  # writes still to do
        self._random = random.Random(seed)
        self._thread = threading.Thread(target=self._write, name="guest", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def pause(self) -> None:
        """Returns once the guest writes no more."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def take_dirty(self) -> Bits:
        """The pages written since the last call."""
        with self._lock:
            taken, self._dirty = self._dirty, np.zeros_like(self._dirty)
        return taken

    def _write(self) -> None:
        while self._left > 0 and not self._stop.wait(0.001):
            for _ in range(min(self._left, 64)):
                page = self._random.randrange(0, len(self._memory.pages), self._every)
                with self._lock:
                    self._memory.pages[page, self._left % 512] = self._random.getrandbits(63)
                    self._dirty[page] = True
                self._left -= 1
