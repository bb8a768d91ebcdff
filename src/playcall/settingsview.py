"""Reads the settings file once more for those who want to see it: the line of each value, defaults
too, and secrets as the fact that they are set."""

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playcall.core.place import Problem
from playcall.core.shown_settings import Shown, ShownSettings
from playcall.hands import secrets_of
from playcall.runner.redaction import Redactor
from playcall.settings import Settings, as_written

_HEADER = re.compile(r"\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_URL = re.compile(r"\b([a-z][a-z0-9+.-]*)://(?:[^\s/@]*@)?([^\s/?#]*)([/?#]\S*)?", re.IGNORECASE)
_PLAIN_URLS = frozenset(  # of which the path is no secret
    {"server.url", "prometheus.url", "alertmanager.url", "server.database", "tickets.url"}
)
_SECRET = re.compile(r"(^|\.)(tokens|webhook|apprise)$|^runner\.env\.|^targets\.[^.]+\.env\.")
_ENV = re.compile(r"(^|\.)env\.[^.]+$")
_MORE = 200  # characters of a value that are shown


def show_settings(
    settings: Settings, problems: Iterable[Problem], warnings: tuple[str, ...]
) -> ShownSettings | None:
    """None: they were not read from a file."""
    path = settings.source
    if path is None:
        return None
    said, whole = as_written(path)
    lines = lines_of(path.read_text("utf-8"))
    hide = Redactor(secrets_of(settings)).hide
    values = []
    for key, value in _flat(whole, ""):
        line = lines.get(key) or next(
            (n for k, n in lines.items() if k.startswith(f"{key}.")), None
        )
        written = _in(said, key)
        whence = f"{path.name}:{line}" if line else path.name if written else "default"
        shown = _shown(key, value, whence, path.parent)
        values.append(Shown(**{**shown, "value": hide(shown["value"])}))
    return ShownSettings(
        file=str(path),
        values=tuple(values),
        warnings=warnings,
        problems=tuple(str(problem) for problem in problems),
    )


def lines_of(text: str) -> dict[str, int]:
    """The line of every key. A value of several lines is passed over as a whole."""
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    table, rest = "", iter(enumerate(text.splitlines(), start=1))
    for number, line in rest:
        if header := _HEADER.fullmatch(line):
            table = _name(header[2])
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}.{counts[table]}"
            continue
        key = _KEY.match(line)
        if key is None:
            continue
        name = ".".join(part for part in (table, _name(key[1])) if part)
        found.setdefault(name, number)
        while not _ends(line):
            following = next(rest, None)
            if following is None:
                break
            line += "\n" + following[1]
    return found


def _ends(line: str) -> bool:
    try:
        tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _name(written: str) -> str:
    """A key as `_flat` has it, without quotes."""
    parts: list[str] = []
    table = tomllib.loads(f"[{written}]")
    while table:
        [(name, table)] = table.items()
        parts.append(name)
    return ".".join(parts)


def _flat(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    tables = isinstance(value, list | tuple) and value and isinstance(value[0], Mapping)
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _flat(inner, f"{key}.{name}" if key else str(name))
    elif tables:
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{key}.{number}")
    elif value is not None and value != {}:
        yield key, value


def _in(said: Any, key: str) -> bool:
    """Names may have dots in them."""
    if not key:
        return True
    if isinstance(said, Mapping):
        return any(
            key == name or (key.startswith(f"{name}.") and _in(inner, key[len(name) + 1 :]))
            for name, inner in said.items()
        )
    if isinstance(said, list):
        number, _, rest = key.partition(".")
        return number.isdecimal() and int(number) < len(said) and _in(said[int(number)], rest)
    return False


def _shown(key: str, value: Any, whence: str, beside: Path) -> dict[str, Any]:
    if _ENV.search(key) and isinstance(value, str) and value.startswith("$"):
        there = "set" if os.environ.get(value[1:]) else "not set"
        whence = f"environment variable {value[1:]}, by {whence}"
        return {"key": key, "value": there, "whence": whence, "secret": True}
    if key.endswith("_file") and isinstance(value, str) and value:
        there = "set" if (beside / value).is_file() else "missing"
        return {"key": key, "value": f"{there}, in {value}", "whence": whence, "secret": True}
    if _SECRET.search(key) and value:
        count = f"{len(value)} set" if isinstance(value, list | tuple) else "set"
        return {"key": key, "value": count, "whence": whence, "secret": True}
    return {"key": key, "value": _words(key, value), "whence": whence}


def _words(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_words(key, one) for one in value) or "none"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    text = str(value)
    keep = key in _PLAIN_URLS
    text = _URL.sub(lambda m: f"{m[1]}://{m[2]}{_path(m[3], keep=keep)}", text)
    return text if len(text) <= _MORE else f"{text[:_MORE]}…"


def _path(rest: str | None, *, keep: bool) -> str:
    """Of a URL: it may be as good as a password."""
    if not rest or rest == "/":
        return rest or ""
    return rest.partition("?")[0] if keep else "/…"
