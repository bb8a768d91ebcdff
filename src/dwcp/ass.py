"""State synchronisation: keeps one node's records like those of its peers. Digests are compared
every second, and what differs is exchanged. Which record wins is decided in `dwcp.records`.
"""

import json
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from prometheus_client import CollectorRegistry, Gauge

from dwcp import web
from dwcp.environment import Address
from dwcp.errors import Errors
from dwcp.recent import Recent
from dwcp.records import BadRecords, Record, Records, State, bodies, lacking, merge
from dwcp.web import Answer, Route, says

__all__ = ["BadRecords", "Record", "Records", "State", "Synchroniser", "routes"]

log = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
ANSWER_SECONDS = 2.0
PATIENCE_SECONDS = 5.0  # without a peer, before that is unhealthy
BATCH = 1000  # records in one body; far below the largest that is taken
RATE_SECONDS = 10.0


@dataclass(slots=True, kw_only=True)
class _Peer:
    """What is known of one peer, as of the last exchange that worked."""

    name: str
    address: Address
    held: Mapping[str, Record] = field(default_factory=dict)
    reached_at: float  # monotonic seconds; at first: when the search began
    trouble: str = ""  # why not, since then


class Synchroniser:
    def __init__(
        self,
        records: Records,
        peers: Mapping[str, Address],
        registry: CollectorRegistry,
        errors: Errors,
        *,
        every: float = EVERY_SECONDS,
    ) -> None:
        self._records = records
        self._errors = errors
        self._errors.expect("ass", ("peer_unreachable", "warning"))
        self._every = every
        now = time.monotonic()
        self._peers = [
            _Peer(name=name, address=address, reached_at=now) for name, address in peers.items()
        ]
        self._rate = Recent(
            "dwcp_v3_ass_sync_rate",
            "Records exchanged with peers per second, lately",
            registry,
            RATE_SECONDS,
            lambda values: sum(values) / RATE_SECONDS,
        )
        lag = Gauge(
            "dwcp_v3_ass_lag_records",
            "Records that a peer lacks or has in an older version",
            ["peer"],
            registry=registry,
        )
        for peer in self._peers:
            lag.labels(peer.name).set_function(partial(self._lag, peer))

    def run(self, stop: threading.Event) -> None:
        """One thread for each peer, so that one which hangs delays no other."""
        threads = [
            threading.Thread(target=self._follow, args=(peer, stop), daemon=True)
            for peer in self._peers
        ]
        for thread in threads:
            thread.start()
        while not stop.wait(self._every):
            self._records.forget()
        for thread in threads:
            thread.join()

    def status(self) -> dict[str, object]:
        now = time.monotonic()
        missing = [p.name for p in self._peers if p.trouble and _overdue(p, now)]
        return {
            "status": "unhealthy" if missing else "healthy",
            "detail": f"without {', '.join(missing)}" if missing else "in touch with every peer",
            "records": len(self._records.all()),
            "digest": self._records.digest(),
            "peers": {p.name: self._told(p) for p in self._peers},
        }

    def _told(self, peer: _Peer) -> dict[str, object]:
        return {
            "status": "unreachable" if peer.trouble else "reachable",
            "detail": peer.trouble,
            "lag": self._lag(peer),
        }

    def _lag(self, peer: _Peer) -> int:
        return len(lacking(self._records.all(), peer.held))

    def _follow(self, peer: _Peer, stop: threading.Event) -> None:
        while True:
            try:
                self._rate.add(self._exchange(peer))
            except (OSError, BadRecords) as error:
                self._rate.add(0)
                self._lost(peer, str(error) or repr(error))
            else:
                self._reached(peer)
            if stop.wait(self._every):
                return

    def _exchange(self, peer: _Peer) -> int:
        """How many records went either way. Raises OSError, BadRecords."""
        theirs_digest = self._ask(peer, "/ass/digest").get("digest")
        ours, digest = self._records.snapshot()
        if theirs_digest == digest:
            peer.held = ours
            return 0
        theirs = self._records.read(self._ask(peer, "/ass/records"))
        pulled = self._records.merge(theirs)
        peer.held = merge({}, theirs)
        missing = lacking(self._records.all(), peer.held)
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            self._ask(peer, "/ass/records", {"records": bodies(batch)})
            peer.held = merge(peer.held, batch)
        return pulled + len(missing)

    def _ask(self, peer: _Peer, path: str, body: object = None) -> dict[str, object]:
        code, answer = web.ask(peer.address, path, body, ANSWER_SECONDS)
        if code != 200:
            raise ConnectionError(f"{peer.name}{path} answered {code}: {answer.get('error')}")
        return answer

    def _reached(self, peer: _Peer) -> None:
        peer.reached_at = time.monotonic()
        if peer.trouble:
            peer.trouble = ""
            log.info("records are exchanged with %s again", peer.name)

    def _lost(self, peer: _Peer, trouble: str) -> None:
        if not peer.trouble:
            self._errors.count("ass", "peer_unreachable", "warning")
            log.warning("no records exchanged with %s: %s", peer.name, trouble)
        peer.trouble = trouble


def _overdue(peer: _Peer, now: float) -> bool:
    return now - peer.reached_at > PATIENCE_SECONDS


def routes(records: Records) -> dict[tuple[str, str], Route]:
    def said(_: bytes) -> Answer:
        return says(200, node=records.node, digest=records.digest(), records=len(records.all()))

    def given(_: bytes) -> Answer:
        return says(200, node=records.node, records=bodies(records.all().values()))

    def taken(body: bytes) -> Answer:
        try:
            theirs = records.read(json.loads(body))
        except (ValueError, RecursionError) as error:
            return says(400, error=str(error))
        return says(200, taken=records.merge(theirs), digest=records.digest())

    return {
        ("GET", "/ass/digest"): said,
        ("GET", "/ass/records"): given,
        ("POST", "/ass/records"): taken,
    }
