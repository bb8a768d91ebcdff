"""Errors, counted where they are seen and nowhere else, under the name that all roles share."""

from prometheus_client import CollectorRegistry, Counter


class Errors:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._counter = Counter(
            "dwcp_v3_errors",
            "What went wrong, once for each chunk, connection or migration",
            ["component", "error_type", "severity"],
            registry=registry,
        )

    def count(self, component: str, error_type: str, severity: str, times: int = 1) -> None:
        self._counter.labels(component, error_type, severity).inc(times)

    def amst(self, error_type: str, severity: str) -> None:
        self.count("amst", error_type, severity)

    def expect(self, component: str, *error_types: tuple[str, str]) -> None:
        """Series of these types and severities exist from the start, so that a first error is a
        rise and not a beginning."""
        for error_type, severity in error_types:
            self._counter.labels(component, error_type, severity)
