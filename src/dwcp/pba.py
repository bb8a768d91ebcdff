"""PBA: what each destination's link will carry next, from what it carried before.

Holt's method: a level and its trend. It never measures; whoever moved a machine tells it.
"""

import math
import threading
from dataclasses import dataclass
from urllib.parse import parse_qs

from prometheus_client import CollectorRegistry

from dwcp.fading import Fading
from dwcp.web import Answer, Routes, says

LEVEL_WEIGHT = 0.5  # of the newest observation
TREND_WEIGHT = 0.2
ERROR_WEIGHT = 0.2
SLOWEST = 0.1  # share of the level: no trend predicts that a link stops
EXPIRY = 30.0  # seconds after which what was said of a link is no longer exported


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """What is known of one link. A new value for each observation; order matters, time does not."""

    level: float | None = None  # bytes/s
    trend: float = 0.0  # bytes/s from one observation to the next
    error: float | None = None  # mean of |predicted - actual| / actual, the newest weighing most

    def observe(self, actual: float) -> "Predictor":
        """Raises ValueError for what is no rate."""
        if not (math.isfinite(actual) and actual > 0):
            raise ValueError(f"{actual} is no rate. A rate is a number of bytes/s above 0.")
        expected = self.predict()
        if self.level is None or expected is None:
            return Predictor(level=actual)
        level = expected + LEVEL_WEIGHT * (actual - expected)
        return Predictor(
            level=level,
            trend=self.trend + TREND_WEIGHT * (level - self.level - self.trend),
            error=self._missed(abs(expected - actual) / actual),
        )

    def predict(self) -> float | None:
        """Bytes/s of the next observation; None before the first."""
        if self.level is None:
            return None
        return max(self.level + self.trend, SLOWEST * self.level)

    def accuracy(self) -> float | None:
        """0 to 1; None until a prediction has met its observation."""
        return None if self.error is None else min(1.0, max(0.0, 1 - self.error))

    def _missed(self, missed: float) -> float:
        return missed if self.error is None else self.error + ERROR_WEIGHT * (missed - self.error)


class Predictions:
    """A predictor for each destination, by name."""

    def __init__(self, registry: CollectorRegistry, expiry: float = EXPIRY) -> None:
        self._lock = threading.Lock()
        self._predictors: dict[str, Predictor] = {}
        self._accuracy = Fading(
            "dwcp_v3_pba_prediction_accuracy",
            "1 less the mean error of the predictions, the newest weighing most",
            registry,
            expiry,
            labels=("destination",),
        )
        self._predicted = Fading(
            "dwcp_v3_pba_predicted_bytes_per_second",
            "Wire bytes per second that the next migration is expected to reach",
            registry,
            expiry,
            labels=("destination",),
        )

    def observe(self, destination: str, bytes_per_second: float) -> None:
        """What a migration put on the wire. Raises ValueError for what is no rate."""
        with self._lock:
            predictor = self._predictors.get(destination, Predictor()).observe(bytes_per_second)
            self._predictors[destination] = predictor
        accuracy, predicted = predictor.accuracy(), predictor.predict()
        if accuracy is not None:
            self._accuracy.set(accuracy, destination)
        if predicted is not None:
            self._predicted.set(predicted, destination)

    def predict(self, destination: str) -> float | None:
        """Bytes/s; None for a destination that was never observed."""
        return self._of(destination).predict()

    def accuracy(self, destination: str) -> float | None:
        return self._of(destination).accuracy()

    def predicted(self) -> dict[str, float]:
        """Bytes/s of every destination that was observed."""
        with self._lock:
            found = {name: predictor.predict() for name, predictor in self._predictors.items()}
        return {name: rate for name, rate in found.items() if rate is not None}

    def routes(self) -> Routes:
        return {("GET", "/prediction"): self._prediction}

    def _prediction(self, query: bytes) -> Answer:
        names = parse_qs(query.decode("ascii", "replace")).get("destination", [])
        if len(names) != 1:
            return says(400, error="name one destination: /prediction?destination=NAME")
        predictor = self._of(names[0])
        return says(200, bytes_per_second=predictor.predict(), accuracy=predictor.accuracy())

    def _of(self, destination: str) -> Predictor:
        with self._lock:
            return self._predictors.get(destination, Predictor())
