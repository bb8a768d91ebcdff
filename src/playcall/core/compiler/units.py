"""Written units in base units: seconds, bytes, ratios, per second. What is none counts things.

The usual ones are told here, since a units library takes longer to load than a whole document to
compile; a test holds them against it. It is asked for every other word.
"""

import re
from functools import cache

_TIMES = {
    "ns": 1e-9,
    "nanosecond": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "microsecond": 1e-6,
    "ms": 1e-3,
    "msec": 1e-3,
    "millisecond": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "m": 60.0,
    "min": 60.0,
    "minute": 60.0,
    "h": 3600.0,
    "hr": 3600.0,
    "hour": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
}
_LONG = frozenset(["m", "min", "minute", "h", "hr", "hour", "d", "day"])
_RATIOS = {"%": 0.01, "percent": 0.01, "pct": 0.01, "percentage": 0.01}
_MANY = {"k": 1e3, "K": 1e3, "M": 1e6, "million": 1e6, "thousand": 1e3}
_PREFIXES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15}
_BINARY = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40, "pi": 2**50}
_BYTES = re.compile(r"([kKMGTP]?i?)(B|b|[bB]ytes?|[bB]its?)(ps)?")
_RATES = {"rps": 1.0, "qps": 1.0, "tps": 1.0, "iops": 1.0, "hz": 1.0, "rpm": 1 / 60}


def to_base(unit: str) -> tuple[str, float]:
    """A written unit's base unit ("s", "B", "B/s", "1/s", "") and what to multiply with."""
    name = _singular(unit)
    if name in _TIMES:
        return "s", _TIMES[name]
    if name in _RATIOS:
        return "", _RATIOS[name]
    if unit in _MANY:
        return "", _MANY[unit]
    if name in _RATES:
        return "1/s", _RATES[name]
    top, slash, bottom = unit.partition("/")
    if slash:
        return _rate(top, bottom)
    return _bytes(unit) or _by_library(unit) or ("", 1.0)


def is_long(unit: str) -> bool:
    """A unit of minutes or more: what people say of incidents, and rarely of a metric."""
    return _singular(unit) in _LONG


def is_known(unit: str) -> bool:
    return to_base(unit) != ("", 1.0)


def _singular(unit: str) -> str:
    name = unit.lower()
    return name[:-1] if len(name) > 2 and name.endswith("s") and name[:-1] in _NAMES else name


_NAMES = frozenset([*_TIMES, *_RATIOS])


def _rate(top: str, bottom: str) -> tuple[str, float]:
    per = _TIMES.get(_singular(bottom))
    if per is None:
        return "", 1.0  # 'errors/request'
    size = _bytes(top)
    many = _MANY.get(top, 1.0)
    return ("1/s", many / per) if size is None else (f"{size[0]}/s", size[1] / per)


def _bytes(unit: str) -> tuple[str, float] | None:
    """'GB' and 'GiB' in bytes; 'Gb' and 'Gbit' are an eighth; 'Gbps' is per second."""
    found = _BYTES.fullmatch(unit)
    if found is None:
        return None
    prefix = found[1].lower()
    size = _BINARY.get(prefix) or _PREFIXES.get(prefix)
    if size is None:
        return None
    bits = found[2] == "b" or found[2].lower().startswith("bit")
    return ("B/s" if found[3] else "B"), size / (8 if bits else 1)


@cache
def _by_library(unit: str) -> tuple[str, float] | None:
    """Units of time or data that are not in the tables: 'fortnight', 'megabyte'."""
    if len(unit) < 4 or not unit.isalpha():
        return None
    import pint  # loads on first use

    registry: pint.UnitRegistry[float] = pint.UnitRegistry()
    try:
        measured = registry.Quantity(1.0, unit.lower())
        for base, name in (("second", "s"), ("byte", "B"), ("byte / second", "B/s")):
            if measured.is_compatible_with(base):
                return name, float(measured.to(base).magnitude)
    except (pint.PintError, AttributeError, ValueError):
        return None
    return None
