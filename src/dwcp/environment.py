"""What a role reads from its environment; a bad value ends the process with one clear line."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
Address = tuple[str, int]

LONGEST_LOAD = 10_000  # machines of one size in a row
LONGEST_NAME = 253
HOST = re.compile(r"[A-Za-z0-9._:-]+")
LOAD_TAKES = (
    "sizes such as 128MiB*19+768MiB*1: whole MiB from 1MiB to 64GiB, "
    f"each at most {LONGEST_LOAD} times"
)
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
        shown = json.dumps(text, ensure_ascii=False)
        raise BadVariable(f"{name} is {shown}; it takes {allowed}") from None


def address(name: str, default: str | None = None) -> Address:
    return read(name, default, parse_address, "an address such as 127.0.0.1:9091")


def optional_address(name: str) -> Address | None:
    return address(name) if name in os.environ else None


def addresses(name: str) -> tuple[Address, ...]:
    """None at all where it is not set."""
    return read(name, "", parse_addresses, "addresses such as 127.0.0.1:2379,127.0.0.1:2381")


def node(default: str, name: str = "DWCP_NODE") -> str:
    allowed = f"a name of 1 to {LONGEST_NAME} printable characters"
    return read(name, default, parse_name, allowed)


def optional_file(name: str) -> Path | None:
    """A path of a file that may come and go."""
    return read(name, None, _path, "an absolute path") if name in os.environ else None


def optional_directory(name: str) -> Path | None:
    """As `directory`."""
    return directory(name) if name in os.environ else None


def directory(name: str) -> Path:
    """An existing one, without links in its path."""
    return read(name, None, _directory, "the absolute path of a directory that exists").resolve()


def config() -> Path | None:
    """The directory of the keys that are read while a role runs; links in its path stay, since
    what they lead to may be exchanged."""
    if "DWCP_CONFIG" not in os.environ:
        return None
    return read("DWCP_CONFIG", None, _directory, "the absolute path of a directory that exists")


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
    return read(name, default, parse_load, LOAD_TAKES)


def parse_address(text: str) -> Address:
    """Raises ValueError for anything but host:port."""
    host, _, port = text.rpartition(":")
    if not HOST.fullmatch(host) or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError(f"{text!r} is not host:port")
    host.encode("idna")  # as every connection will do; a ValueError for labels that are too long
    return host, int(port)


def parse_name(text: str) -> str:
    """What a node is called. Raises ValueError."""
    if not text.strip() or len(text) > LONGEST_NAME or not text.isprintable():
        raise ValueError
    return text


def _path(text: str) -> Path:
    if not Path(text).is_absolute():
        raise ValueError
    return Path(text)


def _directory(text: str) -> Path:
    try:
        if _path(text).is_dir():
            return Path(text)
    except OSError:  # a name that is too long, a parent that may not be looked into
        pass
    raise ValueError


def parse_addresses(text: str) -> tuple[Address, ...]:
    """With commas; none at all is allowed."""
    return tuple(parse_address(each.strip()) for each in text.split(",") if each.strip())


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
