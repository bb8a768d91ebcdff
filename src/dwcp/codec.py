"""The codecs of a chunk: encoding and decoding only. Who chooses the codec is HDE's business."""

import threading
import time

import cramjam
import lz4.block  # type: ignore[import-untyped]
import zstandard

CODECS = ("none", "lz4", "snappy", "zstd", "zstd-max")  # the number on the wire is the place here
QUICK = CODECS[:-1]  # those that may be tried at any time: zstd-max takes seconds for a chunk
LEVELS = {"zstd": 3, "zstd-max": 19}

_held = threading.local()  # zstandard's contexts belong to one thread at a time


class BadPayload(ValueError):
    """Bytes that do not decode to what the frame announced."""


def encode(codec: str, content: bytes | bytearray) -> bytes:
    if codec == "lz4":
        return bytes(lz4.block.compress(content, store_size=False))
    if codec == "snappy":
        return bytes(cramjam.snappy.compress_raw(content))
    return _compressor(codec).compress(content)


def measure(codec: str, content: bytes) -> tuple[float, float]:
    """Seconds to encode a byte of this content, and what is left of it."""
    if codec == "none":
        return 0.0, 1.0
    started = time.perf_counter()
    size = len(encode(codec, content))
    return (time.perf_counter() - started) / len(content), size / len(content)


def decode(codec: str, payload: bytes | bytearray, size: int) -> bytes:
    """Exactly `size` bytes, and never more memory than that. Raises BadPayload."""
    try:
        content = _decode(codec, payload, size)
    except (lz4.block.LZ4BlockError, cramjam.DecompressionError, zstandard.ZstdError) as error:
        raise BadPayload(f"not {codec}: {error}") from error
    if len(content) != size:
        raise BadPayload(f"{codec} gave {len(content)} bytes for {size}")
    return content


def _decode(codec: str, payload: bytes | bytearray, size: int) -> bytes:
    if codec == "lz4":
        return bytes(lz4.block.decompress(payload, uncompressed_size=size))
    if codec == "snappy":
        announced: int = cramjam.snappy.decompress_raw_len(payload)
        if announced != size:
            raise BadPayload(f"snappy announces {announced} bytes for {size}")
        return bytes(cramjam.snappy.decompress_raw(payload))
    if zstandard.get_frame_parameters(payload).content_size != size:
        raise BadPayload(f"zstd does not announce {size} bytes")
    return _decompressor().decompress(payload)


def _compressor(codec: str) -> zstandard.ZstdCompressor:
    held: zstandard.ZstdCompressor | None = getattr(_held, codec, None)
    if held is None:
        held = zstandard.ZstdCompressor(level=LEVELS[codec])
        setattr(_held, codec, held)
    return held


def _decompressor() -> zstandard.ZstdDecompressor:
    held: zstandard.ZstdDecompressor | None = getattr(_held, "decompressor", None)
    if held is None:
        held = _held.decompressor = zstandard.ZstdDecompressor()
    return held
