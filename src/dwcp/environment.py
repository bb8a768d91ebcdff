"""What a role reads from its environment; a bad value ends the process with one clear line."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
Address = tuple[str, int]

LONGEST_LOAD = 10_000  # machines of one size in a row
_SIZES = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class BadVariable(ValueError):
    """Names the variable, its value, and what is allowed."""


def read(name: str, default: str | None, parse: Callable[[str], T], allowed: str) -> T:
    """The variable's value through `parse`, which raises ValueError for a bad one."""
    text = os.environ.get(name, default)
    if text is None:
        raise BadVariable(f"{name} is not set; it takes {allowed}")
    try:
        return parse(text)
    except ValueError:
        raise BadVariable(f'{name} is "{text}"; it takes {allowed}') from None


def address(name: str, default: str | None = None) -> Address:
    return read(name, default, parse_address, "an address such as 127.0.0.1:9091")


def optional_address(name: str) -> Address | None:
    return address(name) if name in os.environ else None


def text(name: str, default: str) -> str:
    return read(name, default, _filled, "some text")


def optional_directory(name: str) -> Path | None:
    """An existing one, without links in its path."""
    return read(name, None, _directory, "a directory that exists") if name in os.environ else None


def directory(name: str) -> Path:
    return read(name, None, _directory, "a directory that exists")


def number(name: str, default: str, low: float, high: float) -> float:
    return read(
        name, default, lambda text: _between(float(text), low, high), f"{low:g} to {high:g}"
    )


def count(name: str, default: str, low: int, high: int) -> int:
    return read(name, default, lambda text: int(_between(int(text), low, high)), f"{low} to {high}")


def one_of(name: str, default: str, allowed: tuple[str, ...]) -> str:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError
        return text

    return read(name, default, parse, f"one of {', '.join(allowed)}")


def load(name: str, default: str) -> tuple[int, ...]:
    """A repeating pattern of image sizes in bytes: `128MiB*19+768MiB*1`."""
    return read(name, default, parse_load, "sizes such as 128MiB*19+768MiB*1, whole MiB each")


def parse_address(text: str) -> Address:
    """Raises ValueError for anything but host:port."""
    host, separator, port = text.rpartition(":")
    if not separator or not host or not port.isdecimal() or not int(port) <= 65535:
        raise ValueError(f"{text!r} is not host:port")
    return host, int(port)


def _directory(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute() or not path.is_dir():
        raise ValueError
    return path.resolve()


def parse_addresses(text: str) -> tuple[Address, ...]:
    """With commas; none at all is allowed."""
    return tuple(parse_address(each.strip()) for each in text.split(",") if each.strip())


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError
    return text


def _between(value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise ValueError
    return value


def parse_load(text: str) -> tuple[int, ...]:
    sizes: list[int] = []
    for part in text.split("+"):
        match = re.fullmatch(r"(\d+)(KiB|MiB|GiB)(?:\*(\d+))?", part.strip())
        if not match:
            raise ValueError
        size = int(match[1]) * _SIZES[match[2]]
        if not 1 << 20 <= size <= 64 << 30 or size % (1 << 20):
            raise ValueError
        times = int(match[3] or 1)
        if not 0 < times <= LONGEST_LOAD:
            raise ValueError
        sizes += [size] * times
    return tuple(sizes)
