"""Which codec moves memory fastest: the one whose slower half, encoding or sending, is quickest.

What a codec costs is learned from real pages; the link's bandwidth is given. It asks nobody.
"""

import random
import statistics
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dwcp.codec import QUICK, measure
from dwcp.memory import Memory
from dwcp.wire import CHUNK

SAMPLES = 9  # that a codec's cost is taken from
WORTH = 0.7  # of what a byte takes uncoded: encoding takes cores from others, as the receiver
RISE = 1.2  # of the rate that a link was thought to carry, that shows that it changed
PATIENT = 16  # choices between two trials of a link whose bandwidth cannot be seen
HARDEST = 8.0  # times longer that encoding takes beside all else than alone
EASING = 0.97  # each time that nothing is encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    seconds: float  # to encode one byte, on one core
    left: float  # of that byte, after it


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a migration told."""

    codec: str
    wire_rate: float  # bytes/s that were reached
    link_rate: float | None  # bytes/s that the link carries; None: it was not the limit
    encoding: float | None  # seconds that encoding a byte took; None: nothing was encoded
    cores: int
    samples: Mapping[str, Cost] = field(default_factory=dict)  # on some of its pages, by codec


class Chooser:
    """Of `QUICK` codecs; zstd-max is for those who ask for it."""

    def __init__(self) -> None:
        content = _pages()
        self._costs = {codec: _cost(codec, content) for codec in QUICK}  # until samples come
        self._samples: dict[str, deque[Cost]] = {codec: deque(maxlen=SAMPLES) for codec in QUICK}
        self._cores = 1
        self._hardship = 1.0  # times that encoding takes longer than on a core of its own
        self._unseen = False
        self._since_trial = PATIENT
        self.link: float | None = None  # bytes/s, as last seen

    def heard(self, report: Report) -> None:
        self._cores = report.cores
        for codec, cost in report.samples.items():
            self._samples[codec].append(cost)
            self._costs[codec] = _typical(self._samples[codec])
        self._learn_hardship(report)
        self._learn_link(report)

    def choose(self, predicted: float | None = None) -> str:
        """For a link of `predicted` bytes/s, or of what was last seen. It is seen best without a
        codec: so `none` where nothing is known, and now and then where encoding hides the link."""
        link = predicted or self.link
        self._since_trial += 1
        if link is None or (self._unseen and self._since_trial >= PATIENT):
            self._since_trial, self._unseen = 0, False
            return "none"
        best = min(QUICK, key=lambda codec: self.seconds(codec, link))
        worth = self.seconds(best, link) < WORTH * self.seconds("none", link)
        return best if worth else "none"

    def seconds(self, codec: str, link: float) -> float:
        """That a byte takes over a link of so many bytes/s."""
        cost = self._costs[codec]
        return max(cost.seconds * self._hardship / self._cores, cost.left / link)

    def _learn_hardship(self, report: Report) -> None:
        alone = self._costs[report.codec].seconds if report.codec in QUICK else 0.0
        if report.encoding is None or alone <= 0:
            self._hardship = max(1.0, self._hardship * EASING)
        else:
            self._hardship = min(HARDEST, max(1.0, report.encoding / alone))

    def _learn_link(self, report: Report) -> None:
        """Of a link that encoding keeps idle only this is known: it carries more than that."""
        self._unseen = report.link_rate is None and report.codec != "none"
        if report.link_rate is not None:
            self.link = report.link_rate
        elif self._unseen and report.wire_rate > RISE * (self.link or 0.0):
            self.link, self._since_trial = report.wire_rate, PATIENT


def _typical(samples: Iterable[Cost]) -> Cost:
    """Of the times the middle one, since a core may be taken away; of the sizes the mean."""
    found = list(samples)
    return Cost(
        seconds=statistics.median(each.seconds for each in found),
        left=statistics.fmean(each.left for each in found),
    )


def _pages() -> bytes:
    """Made up; used until real ones were reported."""
    memory = Memory(CHUNK)
    memory.fill(0.0, random.randrange(1 << 30))
    return memory.view.tobytes()


def _cost(codec: str, content: bytes) -> Cost:
    seconds, left = measure(codec, content)
    return Cost(seconds=seconds, left=left)
