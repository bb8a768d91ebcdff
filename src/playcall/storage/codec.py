"""Values to JSON text and back. A member of a union is kept as its class's name and its fields."""

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

import msgspec

from playcall.core.events import EVENTS, Event
from playcall.engine.ports import Task

T = TypeVar("T")

TASKS: Mapping[str, type[Task]] = {kind.__name__: kind for kind in get_args(Task)}


def dump(value: object) -> str:
    return msgspec.json.encode(value).decode()


def load(text: str, kind: type[T]) -> T:
    """Raises msgspec.ValidationError for a text that a different version wrote."""
    return msgspec.json.decode(text, type=kind)


def kind_of(value: object) -> str:
    return type(value).__name__


def load_event(kind: str, text: str) -> Event:
    return _load_member(EVENTS, kind, text)


def load_task(kind: str, text: str) -> Task:
    return _load_member(TASKS, kind, text)


def _load_member(kinds: Mapping[str, type[T]], kind: str, text: str) -> T:
    member: Any = kinds[kind]
    return load(text, member)  # type: ignore[no-any-return]
