"""How a process sends: its number of streams, their congestion control and their pacing."""

import logging
from dataclasses import dataclass
from pathlib import Path

from dwcp import environment
from dwcp.errors import Errors

log = logging.getLogger(__name__)

MAX_STREAMS = 512
LARGEST = 64 << 30  # bytes of a machine's memory
CONGESTION = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    count: int
    congestion: str
    pacing_file: Path | None

    @classmethod
    def from_environment(cls) -> "Streams":
        """Raises BadVariable."""
        return cls(
            count=environment.count("STREAM_COUNT", "4", 1, MAX_STREAMS),
            congestion=environment.read(
                "DWCP_CONGESTION", "cubic", _congestion, f"one of {', '.join(_controls())}"
            ),
            pacing_file=environment.optional_file("DWCP_PACING_FILE"),
        )

    def pacing(self, errors: Errors) -> int | None:
        """Bytes/s of one stream, as the file says now; None: they are not paced."""
        if self.pacing_file is None:
            return None
        try:
            pacing = int(self.pacing_file.read_text("utf-8"))
            if not 1 <= pacing < 1 << 63:
                raise ValueError(f"{pacing} is no rate")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            errors.count("amst", "bad_pacing_file", "warning")
            log.error("%s is not used: %s", self.pacing_file, error)
            return None
        return pacing


def _congestion(name: str) -> str:
    if name not in _controls():
        raise ValueError
    return name


def _controls() -> list[str]:
    """Congestion controls that this kernel has."""
    return CONGESTION.read_text("utf-8").split()
