"""What is asked of the service: machines to be moved. The same for all versions."""

import json
import re
from dataclasses import dataclass
from typing import Any

MIB = 1 << 20
LARGEST = 64 << 30
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
FIELDS = {"id", "size", "room", "zero_share", "seed", "idle"}


class BadRequest(ValueError):
    """Says what is wrong and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Sizes in bytes."""

    id: str
    size: int
    room: int  # of the largest image that will be asked for, so that memory is made once
    zero_share: float
    seed: int
    idle: bool  # its guest writes nothing while it is moved

    def body(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in sorted(FIELDS)}


def read_id(text: str) -> str:
    """Raises BadRequest."""
    if not ID.fullmatch(text):
        raise BadRequest(
            f"id {text[:120]!r} is not 1 to 100 of A-Z a-z 0-9 . _ -, a letter or digit first"
        )
    return text


def read_request(body: bytes) -> Request:
    """Raises BadRequest."""
    try:
        found = json.loads(body)
    except (RecursionError, ValueError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadRequest("the body is not an object")
    if unknown := set(found) - FIELDS:
        raise BadRequest(
            f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(FIELDS))}"
        )
    name = read_id(str(found.get("id", "")))
    size = _size(found, "size", None)
    return Request(
        id=name,
        size=size,
        room=max(size, _size(found, "room", size)),
        zero_share=_number(found, "zero_share", 0.7, 0.0, 1.0),
        seed=int(_number(found, "seed", 1, 0, 2**53)),
        idle=found.get("idle") is True,
    )


def _size(found: dict[str, Any], name: str, default: int | None) -> int:
    value = found.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadRequest(f"{name} is {value!r}, not a number of bytes")
    if not MIB <= value <= LARGEST or value % MIB:
        raise BadRequest(f"{name} is {value}, not a number of whole MiB up to 64 GiB")
    return value


def _number(found: dict[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = found.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadRequest(f"{name} is {value!r}, not a number from {low:g} to {high:g}")
    return float(value)
