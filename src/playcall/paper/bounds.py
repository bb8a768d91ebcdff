"""How much a PDF may be: whatever a text is, setting it ends."""

from dataclasses import dataclass


class TooMuch(Exception):
    """What was asked for is longer than can be set in the time there is. For a person."""


@dataclass(frozen=True, slots=True)
class Limits:
    seconds: float = 20.0
    pages: int = 500
