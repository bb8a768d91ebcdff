"""Somebody who can be reached, and how."""

from dataclasses import dataclass
from datetime import timedelta

from playcall.core.hours import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One way to reach a person: a channel's name and an address it understands."""

    channel: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How a person wants to be paged: by all these methods at once, some time after the page was
    decided, in some hours."""

    after: timedelta
    methods: tuple[Method, ...]
    hours: Window | None = None  # in the person's zone; None: always


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can be reached; methods in the order to try them."""

    id: str
    name: str
    methods: tuple[Method, ...]
    rules: tuple[Rule, ...] = ()  # for pages, instead of the order
    zone: str = "UTC"
