"""Gauges of what was measured lately. Absent once that is long ago: a frozen value would keep an
alert up for ever, and a zero would raise one."""

import time
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Fading(Collector):
    """`otherwise` is the value of a gauge without labels once it has faded; None: it is absent."""

    def __init__(
        self,
        name: str,
        text: str,
        registry: CollectorRegistry,
        seconds: float,
        labels: Sequence[str] = (),
        otherwise: float | None = None,
    ) -> None:
        self._name = name
        self._text = text
        self._labels = tuple(labels)
        self._seconds = seconds
        self._otherwise = otherwise
        self._values: dict[tuple[str, ...], tuple[float, float]] = {}
        registry.register(self)

    def set(self, value: float, *labels: str) -> None:
        self._values[labels] = (value, time.monotonic())

    def clear(self) -> None:
        self._values = {}

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(self._name, self._text, labels=self._labels)
        oldest = time.monotonic() - self._seconds
        fresh = {k: value for k, (value, at) in list(self._values.items()) if at >= oldest}
        if not fresh and self._otherwise is not None:
            fresh = {(): self._otherwise}
        for labels, value in fresh.items():
            family.add_metric(labels, value)
        yield family
