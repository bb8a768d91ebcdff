"""Settings that may change while a role runs: a directory with one file for each key, read when
they are needed. A bad value is told and counted once; the last good one stays."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from dwcp.errors import Errors

log = logging.getLogger(__name__)

T = TypeVar("T")


class Mistakes(ValueError):
    """What is wrong with a value, told in full: a line for each mistake."""


class Hot(Generic[T]):
    """`parse` raises ValueError; `default` holds while there is no such file."""

    def __init__(
        self,
        directory: Path | None,
        key: str,
        default: T,
        parse: Callable[[str], T],
        allowed: str,
        refused: Callable[[], None],
    ) -> None:
        self._path = directory / key if directory else None
        self._default = default
        self._parse = parse
        self._allowed = allowed
        self._refused = refused
        self._text = ""
        self._value = default

    def value(self) -> T:
        if self._path is None:
            return self._default
        try:
            text = self._path.read_text("utf-8").strip()
        except FileNotFoundError:
            self._text, self._value = "", self._default
            return self._default
        except (OSError, UnicodeDecodeError) as error:
            text = f"({error})"
        if text != self._text:
            self._take(text)
        return self._value

    def _take(self, text: str) -> None:
        self._text = text
        try:
            self._value = self._parse(text)
        except Mistakes as mistakes:
            for each in str(mistakes).splitlines():
                log.error("%s: %s The last one stays", self._path, each)
            self._refused()
        except ValueError:
            log.error("%s is %r; it takes %s. The last one stays", self._path, text, self._allowed)
            self._refused()
        else:
            log.info("%s is now %s", self._path, text)


def counted(errors: Errors, component: str) -> Callable[[], None]:
    """For `refused`: counts it as an error of this component."""
    errors.expect(component, ("bad_config", "warning"))
    return lambda: errors.count(component, "bad_config", "warning")
