"""Values to JSON text and back. A member of a union is kept as its class's name and its fields."""

import threading
from collections.abc import Mapping
from typing import Any, TypeVar, get_args

import msgspec

from playcall.core.events import EVENTS, Event
from playcall.engine.ports import Task

T = TypeVar("T")

TASKS: Mapping[str, type[Task]] = {kind.__name__: kind for kind in get_args(Task)}

_decoders: dict[type, msgspec.json.Decoder[Any]] = {}
# While msgspec reads a type for the first time, other threads run; two that read one at once have
# ended the process with SIGSEGV.
_reading = threading.Lock()


def dump(value: object) -> str:
    return msgspec.json.encode(value).decode()


def load(text: str, kind: type[T]) -> T:
    """Raises msgspec.ValidationError for a text that a different version wrote."""
    decoder = _decoders.get(kind) or _new_decoder(kind)
    return decoder.decode(text)  # type: ignore[no-any-return]


def _new_decoder(kind: type) -> msgspec.json.Decoder[Any]:
    with _reading:
        if kind not in _decoders:
            _decoders[kind] = msgspec.json.Decoder(kind)
        return _decoders[kind]


def kind_of(value: object) -> str:
    return type(value).__name__


def load_event(kind: str, text: str) -> Event:
    return _load_member(EVENTS, kind, text)


def load_task(kind: str, text: str) -> Task:
    return _load_member(TASKS, kind, text)


def _load_member(kinds: Mapping[str, type[T]], kind: str, text: str) -> T:
    member: Any = kinds[kind]
    return load(text, member)  # type: ignore[no-any-return]
