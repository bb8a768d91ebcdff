"""What the axes of a chart say: values in a unit that a person would choose, instants in UTC."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# From a unit: what the largest value must reach, what one of the new unit is, and its name.
_SECONDS = (
    (2 * 86400, 86400, "days"),
    (2 * 3600, 3600, "h"),
    (180, 60, "min"),
    (1, 1, "s"),
    (1e-3, 1e-3, "ms"),
    (0, 1e-6, "µs"),
)
_BYTES = ((1e12, 1e12, "TB"), (1e9, 1e9, "GB"), (1e6, 1e6, "MB"), (1e3, 1e3, "kB"), (0, 1, "B"))
_LADDERS: dict[str, tuple[tuple[float, float, str], ...]] = {
    "s": _SECONDS,
    "ms": tuple((least * 1e3, one * 1e3, name) for least, one, name in _SECONDS),
    "B": _BYTES,
    "B/s": tuple((least, one, f"{name}/s") for least, one, name in _BYTES),
    "ratio": ((0, 0.01, "%"),),
}
_SPELLED = {
    "seconds": "s",
    "second": "s",
    "sec": "s",
    "milliseconds": "ms",
    "bytes": "B",
    "byte": "B",
    "bytes/s": "B/s",
    "bytes/sec": "B/s",
    "percent": "%",
    "1/s": "per second",
}
_LARGE = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(60 * n for n in (1, 2, 5, 10, 15, 30)),
    *(3600 * n for n in (1, 2, 3, 6, 12)),
    *(86400 * n for n in (1, 2, 3, 7, 14, 30, 90, 365)),
)
_MOST_TICKS = 5


@dataclass(frozen=True, slots=True)
class Scale:
    """What one of the drawn unit is in the chart's own."""

    one: float
    unit: str

    def say(self, value: float) -> str:
        """With its unit: '500 ms', '2.4k', '1.2 %'."""
        number = value / self.one
        for least, name in _LARGE if not self.unit else ():
            if least <= abs(number) < 1e15:
                return f"{number / least:.4g}{name}"
        return f"{number:.4g} {self.unit}".rstrip()


def scale_of(unit: str, values: Sequence[float]) -> Scale:
    """For these values; what is far outside of what can be read is told by its power of ten."""
    largest = max((abs(value) for value in values), default=0.0)
    unit = _SPELLED.get(unit.strip().lower(), unit.strip())
    if largest and not 1e-9 < largest < 1e15:
        power = math.floor(math.log10(largest))
        return Scale(float(f"1e{max(power, -300)}"), f"×1e{max(power, -300)} {unit}".rstrip())
    for least, one, name in _LADDERS.get(unit, ()):
        if largest >= least or not largest:
            return Scale(one, name) if largest else Scale(1.0, "%" if unit == "ratio" else unit)
    return Scale(1.0, unit)


def span(values: Sequence[float]) -> tuple[float, float]:
    """Lowest and highest of the axis: from zero, unless the values are far from it."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if low == high:
        low, high = (low - 1, high + 1) if low == 0 else sorted((0.0, 2 * low))
    room = (high - low) * 0.1
    if 0 <= low <= high / 2:
        return 0.0, high + room
    if low / 2 <= high <= 0:
        return low - room, 0.0
    return low - room, high + room


@dataclass(frozen=True, slots=True)
class Ticks:
    """Seconds since the chart's start, and what stands there."""

    at: Sequence[float]
    texts: Sequence[str]
    day: str  # for the whole axis


def ticks(start: datetime, end: datetime) -> Ticks:
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    long = max((end - start).total_seconds(), 1e-3)
    step = next((one for one in _STEPS if long / one <= _MOST_TICKS), _STEPS[-1])
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    if step > 86400:  # so that ticks lie on days that do not depend on the window
        midnight -= timedelta(days=midnight.toordinal() % (step // 86400))
    first = math.ceil((start - midnight).total_seconds() / step)
    count = min(int(long // step) + 1, _MOST_TICKS + 2)
    instants = [midnight + timedelta(seconds=step * (first + n)) for n in range(count)]
    instants = [at for at in instants if at <= end]
    several = start.date() != end.date()
    texts = []
    for n, at in enumerate(instants):
        new = several and (n == 0 or at.date() != instants[n - 1].date())
        clock = f"{at:%H:%M:%S}" if step < 60 else f"{at:%H:%M}"
        day = f"{at:%d %b}".lstrip("0")
        texts.append(day if step >= 86400 else f"{clock}\n{day}" if new else clock)
    return Ticks([(at - start).total_seconds() for at in instants], texts, _days(start, end))


def _days(start: datetime, end: datetime) -> str:
    if start.date() == end.date():
        return f"{start:%Y-%m-%d} UTC"
    return f"{start:%Y-%m-%d} to {end:%Y-%m-%d} UTC"
