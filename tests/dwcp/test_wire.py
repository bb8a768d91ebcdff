"""Frames and codecs: what is packed is unpacked, and what is wrong is refused."""

import os
import struct

import numpy as np
import pytest

from dwcp import codec as codecs
from dwcp.amst import all_tasks, frame
from dwcp.codec import CODECS, BadPayload
from dwcp.guest import Guest
from dwcp.memory import Memory
from dwcp.wire import CHUNK, HEADER_SIZE, PAGE, PAGES, BadFrame, Header, pack, runs, unpack

MIB = 1 << 20


def an_image(zero_share: float = 0.5) -> Memory:
    memory = Memory(2 * MIB)
    memory.fill(zero_share, seed=3)
    return memory


def a_header(**changes: object) -> bytes:
    data = np.zeros(PAGES, np.bool_)
    data[3:7] = True
    values = {
        "round": 0,
        "codec": 0,
        "chunk": 1,
        "size": 4 * PAGE,
        "changes": 0,
        "checksum": 5,
        "data": data,
        "delta": np.zeros(PAGES, np.bool_),
        "zero": np.zeros(PAGES, np.bool_),
    }
    return pack(Header(**(values | changes)))  # type: ignore[arg-type]


def test_a_header_comes_back_as_it_was() -> None:
    header = unpack(a_header(), chunks=2)
    assert (header.round, header.chunk, header.size, header.checksum) == (0, 1, 4 * PAGE, 5)
    assert list(runs(header.data)) == [(3, 7)]
    assert not header.zero.any()


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        ("0000", []),
        ("1111", [(0, 4)]),
        ("1001", [(0, 1), (3, 4)]),
        ("0110", [(1, 3)]),
        ("1", [(0, 1)]),
        ("0", []),
    ],
)
def test_runs_are_the_set_bits_that_lie_together(
    bits: str, expected: list[tuple[int, int]]
) -> None:
    assert list(runs(np.array([bit == "1" for bit in bits]))) == expected


@pytest.mark.parametrize("codec", CODECS)
def test_a_frame_carries_all_pages_that_are_not_zero(codec: str) -> None:
    memory = an_image()
    _, pieces = frame(memory, 2, all_tasks(memory)[1], codec)
    header = unpack(bytes(pieces[0]), memory.chunks)
    payload = b"".join(pieces[1:])
    assert len(payload) == header.size
    pages = memory.pages[PAGES : 2 * PAGES]
    raw = pages[header.data].tobytes()
    assert (payload if codec == "none" else codecs.decode(codec, payload, len(raw))) == raw
    assert (header.data | header.zero).all()
    assert not pages[header.zero].any()


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b"HTTP" + a_header()[4:], id="magic"),
        pytest.param(a_header(codec=len(CODECS)), id="codec"),
        pytest.param(a_header(chunk=2), id="chunk outside the image"),
        pytest.param(a_header(size=5 * PAGE), id="more payload than pages"),
        pytest.param(a_header(codec=1, size=6 * PAGE), id="oversized encoding"),
        pytest.param(a_header(zero=np.ones(PAGES, np.bool_)), id="data and zero at once"),
        pytest.param(a_header()[:6] + b"\1\1" + a_header()[8:], id="reserved bits"),
    ],
)
def test_a_header_that_no_source_sends_is_refused(bad: bytes) -> None:
    with pytest.raises(BadFrame):
        unpack(bad, chunks=2)


def test_random_headers_are_refused_and_nothing_else() -> None:
    for _ in range(500):
        with pytest.raises(BadFrame):
            unpack(b"DWF2" + os.urandom(HEADER_SIZE - 4), chunks=2)


@pytest.mark.parametrize("codec", CODECS[1:])
def test_a_payload_that_is_not_what_was_announced_is_refused(codec: str) -> None:
    content = bytes(8 * PAGE) + os.urandom(PAGE)
    good = codecs.encode(codec, content)
    assert codecs.decode(codec, bytearray(good), len(content)) == content
    longer = codecs.encode(codec, content + b"x")
    for bad in (b"", good[:-3], os.urandom(300), longer):
        with pytest.raises(BadPayload):
            codecs.decode(codec, bad, len(content))


def test_a_bomb_is_refused_before_memory_is_taken_for_it() -> None:
    bomb = codecs.encode("zstd", bytes(64 * MIB))
    assert len(bomb) < CHUNK
    with pytest.raises(BadPayload):
        codecs.decode("zstd", bomb, PAGE)
    with pytest.raises(BadPayload):
        codecs.decode("snappy", struct.pack("<B", 0xFF) * 4 + b"\x07" + bytes(50), PAGE)


def test_a_guest_logs_what_it_wrote_and_can_be_undone() -> None:
    memory = an_image()
    before = memory.pages.copy()
    guest = Guest(memory, share=0.1, seed=1)
    guest.start()
    dirty = guest.take_written().pages
    while dirty.sum() < 20:
        dirty |= guest.take_written().pages
    guest.pause()
    dirty |= guest.take_written().pages
    changed = (memory.pages != before).any(axis=1)
    assert not (changed & ~dirty).any()
    guest.restore()
    assert (memory.pages == before).all()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_an_image_has_the_share_of_zero_pages_that_was_asked_for(share: float) -> None:
    memory = Memory(16 * MIB)
    memory.fill(share, seed=1)
    zero = sum(
        int(memory.zero_pages(chunk, np.ones(PAGES, np.bool_)).sum())
        for chunk in range(memory.chunks)
    )
    assert zero / len(memory.pages) == pytest.approx(share, abs=0.12)
