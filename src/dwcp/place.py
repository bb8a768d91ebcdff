"""Where machines go: what is known of the nodes, PBA's predictions and ITP's choice, together."""

import threading
from collections.abc import Callable, Mapping

from dwcp import web
from dwcp.environment import Address
from dwcp.itp import Node, Placement
from dwcp.pba import Predictions

LOOK_SECONDS = 0.5
ANSWER_SECONDS = 1.0
FULL = ("no_room", "no_capacity")  # what a source says of a destination that could not take it


class Nodes:
    """The destinations: where they are, and how they are, looked at again and again."""

    def __init__(
        self,
        places: Mapping[str, tuple[Address, Address | None]],
        table: Callable[[], Mapping[str, int]],
    ) -> None:
        """`places`: address of the streams and, if it has one, of the metrics. `table`: bytes that
        each is said to hold; empty where nothing is said."""
        self._places = places
        self._table = table
        self._healthy = dict.fromkeys(places, True)
        self._capacity = dict.fromkeys(places, 0)

    def run(self, stop: threading.Event) -> None:
        while not stop.wait(LOOK_SECONDS):
            for name, (_, metrics) in self._places.items():
                if metrics:
                    self._look(name, metrics)

    def now(self) -> tuple[Node, ...]:
        table = self._table()
        return tuple(
            Node(
                name=name,
                address=address,
                capacity=(held := max(1, table.get(name, self._capacity[name] or 1 << 50))),
                free=held,
                healthy=self._healthy[name],
            )
            for name, (address, _) in self._places.items()
        )

    def peers(self) -> dict[str, Address]:
        """Those that can be asked for their records."""
        return {name: metrics for name, (_, metrics) in self._places.items() if metrics}

    def _look(self, name: str, metrics: Address) -> None:
        try:
            code, answer = web.ask(metrics, "/health", seconds=ANSWER_SECONDS)
        except OSError:
            self._healthy[name] = False
            return
        self._healthy[name] = code == 200
        capacity = answer.get("capacity")
        self._capacity[name] = capacity if isinstance(capacity, int) else 0


class Places:
    """Chooses for the front door, and tells PBA and ITP what became of it."""

    def __init__(self, nodes: Nodes, placement: Placement, predictions: Predictions) -> None:
        self._nodes = nodes
        self._placement = placement
        self._predictions = predictions

    def choose(self, vm: str, size: int) -> Node | None:
        return self._placement.place(vm, size, self._nodes.now(), self._predictions.predicted())

    def moved(self, vm: str, node: str, wire_bytes_per_second: float) -> None:
        if wire_bytes_per_second > 0:
            self._predictions.observe(node, wire_bytes_per_second)
        self._placement.moved(vm, wire_bytes_per_second)

    def failed(self, vm: str, kind: str, why: str) -> None:
        if kind in FULL:
            self._placement.refused(vm, why)
        else:
            self._placement.failed(vm)
