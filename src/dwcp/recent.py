"""One number over what was measured in the last seconds, as a gauge; absent when nothing was."""

import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Recent(Collector):
    """`fold` makes one number of the values of the last `seconds`, oldest first, never none."""

    def __init__(
        self,
        name: str,
        text: str,
        registry: CollectorRegistry,
        seconds: float,
        fold: Callable[[Sequence[float]], float] = statistics.fmean,
    ) -> None:
        self._name = name
        self._text = text
        self._seconds = seconds
        self._fold = fold
        self._values: deque[tuple[float, float]] = deque()
        self._lock = threading.Lock()
        registry.register(self)

    def add(self, value: float) -> None:
        with self._lock:
            self._values.append((time.monotonic(), value))
            self._forget()

    def value(self) -> float | None:
        with self._lock:
            self._forget()
            values = [value for _, value in self._values]
        return self._fold(values) if values else None

    def collect(self) -> Iterator[Metric]:
        value = self.value()
        family = GaugeMetricFamily(self._name, self._text)
        if value is not None:
            family.add_metric((), value)
        yield family

    def _forget(self) -> None:
        oldest = time.monotonic() - self._seconds
        while self._values and self._values[0][0] < oldest:
            self._values.popleft()
