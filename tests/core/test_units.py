"""Written units, held against a units library."""

import pint
import pytest

from playcall.core.compiler.units import to_base

REGISTRY: pint.UnitRegistry[float] = pint.UnitRegistry()
BASES = {"s": "second", "B": "byte", "B/s": "byte/second"}
# written here, and as the library spells it
WRITTEN = {
    "ns": "ns", "us": "us", "µs": "us", "ms": "ms", "msec": "ms", "s": "s", "sec": "s",
    "seconds": "s", "m": "minute", "min": "minute", "mins": "minute", "h": "hour", "hrs": "hour",
    "days": "day", "B": "byte", "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte",
    "GB": "gigabyte", "TB": "terabyte", "KiB": "kibibyte", "MiB": "mebibyte",
    "GiB": "gibibyte", "TiB": "tebibyte", "Mbit": "megabit", "Gb": "gigabit", "Kibit": "kibibit",
    "GB/s": "gigabyte/second", "MiB/min": "mebibyte/minute", "Gbit/s": "gigabit/second",
    "Gbps": "gigabit/second", "MBps": "megabyte/second", "KB/h": "kilobyte/hour",
    "fortnight": "fortnight", "megabytes": "megabyte", "gigabit": "gigabit",
    "week": "week", "weeks": "week", "kilobytes": "kilobyte", "milliseconds": "millisecond",
}  # fmt: skip


@pytest.mark.parametrize(("unit", "spelled"), list(WRITTEN.items()))
def test_units_are_what_a_units_library_says(unit: str, spelled: str) -> None:
    base, factor = to_base(unit)

    assert factor == pytest.approx(REGISTRY.Quantity(1, spelled).to(BASES[base]).magnitude)


@pytest.mark.parametrize(
    ("unit", "base", "factor"),
    [
        ("%", "", 0.01),
        ("percent", "", 0.01),
        ("errors/sec", "1/s", 1),
        ("requests/min", "1/s", 1 / 60),
        ("k/s", "1/s", 1000),
        ("rpm", "1/s", 1 / 60),
        ("k", "", 1000),
    ],
)
def test_ratios_and_rates(unit: str, base: str, factor: float) -> None:
    found, times = to_base(unit)

    assert found == base
    assert times == pytest.approx(factor)


@pytest.mark.parametrize(
    "unit", ["", "replicas", "errors", "points", "bars", "feet", "errors/request"]
)
def test_what_is_no_unit_of_a_metric_counts_things(unit: str) -> None:
    assert to_base(unit) == ("", 1.0)
