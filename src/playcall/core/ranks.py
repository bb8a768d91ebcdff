"""Names of severities that mean the same: P1, SEV-1 and critical; P2, sev2 and high."""

import re
from collections.abc import Sequence

_NUMBERED = re.compile(r"(?:SEV|SEVERITY|P|PRIO|PRIORITY|S)(\d)")
_WORDS = {
    "CRITICAL": 0,
    "PAGE": 0,
    "EMERGENCY": 0,
    "BLOCKER": 0,
    "HIGH": 1,
    "MAJOR": 1,
    "ERROR": 1,
    "WARNING": 2,
    "WARN": 2,
    "MEDIUM": 2,
    "MODERATE": 2,
    "MINOR": 2,
    "INFO": 3,
    "LOW": 3,
    "NONE": 3,
}


def same_rank(asked: str, levels: Sequence[str]) -> int | None:
    """The index of the level that means what was asked, where no level is called so; None when
    that cannot be told. Numbers begin at 1, or at 0 where a level does."""
    numbers = [_number(level) for level in levels]
    number, word = _number(asked), _WORDS.get(_bare(asked))
    first = 0 if 0 in numbers else 1
    if number is not None and number in numbers:
        return numbers.index(number)
    if word is not None and word + first in numbers:
        return numbers.index(word + first)
    wanted = word if word is not None else max(number - 1, 0) if number is not None else None
    words = [_WORDS.get(_bare(level)) for level in levels]
    return words.index(wanted) if wanted is not None and wanted in words else None


def _number(name: str) -> int | None:
    found = _NUMBERED.fullmatch(_bare(name))
    return int(found[1]) if found else None


def _bare(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", name.upper())
