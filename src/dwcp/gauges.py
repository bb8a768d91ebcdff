"""What a source exports about its streams."""

from prometheus_client import CollectorRegistry, Counter

from dwcp.amst import Link
from dwcp.fading import Fading
from dwcp.migration import Tally


class Gauges:
    def __init__(self, registry: CollectorRegistry, expiry: float) -> None:
        self._streams = Fading(
            "dwcp_v3_amst_active_streams",
            "Streams of the migration that runs, or of the last one",
            registry,
            expiry,
            otherwise=0,
        )
        self._throughput = Fading(
            "dwcp_v3_amst_throughput_bytes_per_second",
            "Guest memory made current per second of the last migration",
            registry,
            expiry,
        )
        self._utilization = Fading(
            "dwcp_v3_amst_stream_utilization",
            "Share of the streams' pacing that was used; 0 where there is none",
            registry,
            expiry,
        )
        self._wire = Counter(
            "dwcp_v3_amst_wire_bytes", "Bytes handed to the streams", registry=registry
        )

    def begin(self, streams: int) -> None:
        self._streams.set(streams)

    def end(self, link: Link, streams: int, tally: Tally) -> None:
        """The link as it was used; `streams` is 0 for a migration without any."""
        self._streams.set(streams)
        self._wire.inc(tally.wire)
        if tally.seconds:
            self._throughput.set(tally.logical / tally.seconds)
            self._utilization.set(tally.utilization(link))
