"""What goes over the streams: frames of up to one chunk of guest memory, each with its checksum.

A frame says which pages of its chunk it carries, which of them as the difference to what they were,
and which are zero and so carry nothing.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xxhash

from dwcp.codec import CODECS

PAGE = 4096
CHUNK = 1 << 20
PAGES = CHUNK // PAGE  # 256: one bit each in 32 bytes
MAGIC = b"DWF2"
STREAM_HELLO = b"DWS1"  # then the session, 16 bytes
CONTROL_HELLO = b"DWC1"  # then lines of JSON, one answer for each
HELLO_SIZE = 4
SESSION_SIZE = 16
CHANGE = 12  # bytes of one word that differs: where it is among the delta pages, and how

_HEADER = struct.Struct("!4sBBHIIIQ32s32s32s")
HEADER_SIZE = _HEADER.size


Bits = npt.NDArray[np.bool_]


class BadFrame(ValueError):
    """Bytes that are no frame of this migration; the connection is not to be trusted."""

    kind = "bad_frame"


class Oversized(BadFrame):
    """A frame with more payload than this destination takes."""

    kind = "oversized"


@dataclass(frozen=True, slots=True)
class Header:
    round: int
    codec: int
    chunk: int
    size: int  # of the payload in bytes: first the whole pages, encoded, then the changes
    changes: int  # bytes of the payload that are changes of the delta pages
    checksum: int  # xxh3_64 of the content of the whole pages and then of the delta pages
    data: Bits  # pages whose content is in the payload, in order
    delta: Bits  # those of them of which only what changed is there
    zero: Bits  # pages that are all zero


def pack(header: Header) -> bytes:
    return _HEADER.pack(
        MAGIC,
        header.round,
        header.codec,
        0,
        header.chunk,
        header.size,
        header.changes,
        header.checksum,
        np.packbits(header.data).tobytes(),
        np.packbits(header.delta).tobytes(),
        np.packbits(header.zero).tobytes(),
    )


def unpack(data: bytes | bytearray, chunks: int) -> Header:
    """Raises BadFrame for anything that a migration of `chunks` chunks would not send."""
    fields = _HEADER.unpack(data)
    magic, round_, codec, reserved, chunk, size, changes, checksum = fields[:8]
    if magic != MAGIC or reserved:
        raise BadFrame("not a frame")
    if codec >= len(CODECS):
        raise BadFrame(f"unknown codec {codec}")
    if chunk >= chunks:
        raise BadFrame(f"chunk {chunk} of {chunks}")
    data_bits, delta_bits, zero_bits = map(_bits, fields[8:])
    header = Header(
        round=round_,
        codec=codec,
        chunk=chunk,
        size=size,
        changes=changes,
        checksum=checksum,
        data=data_bits,
        delta=delta_bits,
        zero=zero_bits,
    )
    if bool((header.data & header.zero).any()):
        raise BadFrame("a page is both data and zero")
    if bool((header.delta & ~header.data).any()):
        raise BadFrame("a page changed that is not in the frame")
    _check_sizes(header)
    return header


def _check_sizes(header: Header) -> None:
    """Raises BadFrame when the payload cannot be that of the frame's pages."""
    changed = count(header.delta) * PAGE
    raw = count(header.data) * PAGE - changed
    whole = header.size - header.changes
    if (header.codec == 0 and whole != raw) or not 0 <= whole <= raw + raw // 8 + 1024:
        raise BadFrame(f"a payload of {whole} bytes for {raw} bytes of pages")
    if header.changes > changed or header.changes % CHANGE:
        raise BadFrame(f"changes of {header.changes} bytes in {changed} bytes of pages")


def count(bits: Bits) -> int:
    return int(np.count_nonzero(bits))


def runs(bits: Bits) -> Iterator[tuple[int, int]]:
    """Consecutive set bits as (first, end) page numbers, in order."""
    edges: list[int] = (np.flatnonzero(bits[1:] != bits[:-1]) + 1).tolist()
    if bits[0]:
        edges.insert(0, 0)
    if bits[-1]:
        edges.append(len(bits))
    yield from zip(edges[::2], edges[1::2], strict=True)


def _bits(packed: bytes) -> Bits:
    return np.unpackbits(np.frombuffer(packed, np.uint8)).astype(np.bool_)


def slices(memory: memoryview, chunk: int, bits: Bits) -> list[memoryview]:
    """The pages of a chunk as few pieces of guest memory, without copying."""
    base = chunk * CHUNK
    return [memory[base + a * PAGE : base + b * PAGE] for a, b in runs(bits)]


def advance(pieces: list[memoryview], sent: int) -> list[memoryview]:
    """What is left of the pieces after `sent` bytes of them."""
    for index, piece in enumerate(pieces):
        if sent < len(piece):
            return [piece[sent:], *pieces[index + 1 :]]
        sent -= len(piece)
    return []


def total(pieces: Iterable[memoryview]) -> int:
    return sum(len(piece) for piece in pieces)


def checksum(pieces: list[memoryview]) -> int:
    """xxh3_64 over the pieces in order."""
    digest = xxhash.xxh3_64()
    for piece in pieces:
        digest.update(piece)
    return digest.intdigest()
