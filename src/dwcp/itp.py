"""Placement: which node takes a machine. It chooses and measures its choices; it reserves nothing
and talks to nobody.
"""

import logging
import re
import statistics
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from dwcp.environment import Address
from dwcp.errors import Errors
from dwcp.hot import Mistakes
from dwcp.recent import Recent

log = logging.getLogger(__name__)

UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
AMOUNT = re.compile(r"([0-9]{1,15})(KiB|MiB|GiB|TiB)")
MOST_CHOICES = 1024  # that wait for their measurement; the oldest are forgotten


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    name: str
    address: Address
    capacity: int  # bytes for machines, above 0
    free: int  # of them, in bytes
    healthy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was chosen, out of what, and what was believed of the links."""

    node: Node
    candidates: tuple[Node, ...]
    predicted: Mapping[str, float]  # bytes/s


class BadNodes(Mistakes):
    """The node table cannot be read; says where, what and what is allowed, for each mistake."""


def fitting(size: int, nodes: Iterable[Node], avoid: Collection[str] = ()) -> tuple[Node, ...]:
    """Those that may take a machine of `size` bytes."""
    return tuple(
        node for node in nodes if node.healthy and node.free >= size and node.name not in avoid
    )


def score(node: Node, bandwidths: Mapping[str, float]) -> float:
    """Free share times bandwidth. A node without a known one gets the mean of the others."""
    known = bandwidths.values()
    bandwidth = bandwidths.get(node.name, statistics.fmean(known) if known else 1.0)
    return node.free / node.capacity * bandwidth


def choose(
    size: int, nodes: Iterable[Node], predicted: Mapping[str, float], avoid: Collection[str] = ()
) -> Choice | None:
    candidates = fitting(size, nodes, avoid)
    if not candidates:
        return None
    known = {n.name: predicted[n.name] for n in candidates if n.name in predicted}
    best = max(score(node, known) for node in candidates)
    node = min((n for n in candidates if score(n, known) == best), key=lambda n: n.name)
    return Choice(node=node, candidates=candidates, predicted=known)


def place(
    size: int, nodes: Iterable[Node], predicted: Mapping[str, float], avoid: Collection[str] = ()
) -> Node | None:
    """The node with the highest score, the first by name among equals; None when none fits."""
    choice = choose(size, nodes, predicted, avoid)
    return choice.node if choice else None


def efficiency(choice: Choice, measured: Mapping[str, float]) -> float:
    """0 to 1: the score of the chosen node over the best score, by the bandwidths measured since.
    Where a candidate's was not measured, the prediction stands."""
    bandwidths = dict(choice.predicted)
    bandwidths.update((n.name, measured[n.name]) for n in choice.candidates if n.name in measured)
    best = max(score(node, bandwidths) for node in choice.candidates)
    return score(choice.node, bandwidths) / best if best > 0 else 1.0


class Placement:
    """`place` and its metrics. Every placement ends in one of `moved`, `refused` or `failed`."""

    def __init__(self, registry: CollectorRegistry, errors: Errors, window: float = 30.0) -> None:
        self._errors = errors
        self._errors.expect("itp", ("no_capacity", "warning"))
        self._efficiency = Recent(
            "dwcp_v3_itp_efficiency",
            "Score of the chosen nodes over the best in hindsight, lately",
            registry,
            window,
        )
        self._lock = threading.Lock()
        self._choices: OrderedDict[str, Choice] = OrderedDict()
        self._measured: dict[str, float] = {}
        self._trouble = ""

    def place(
        self,
        vm: str,
        size: int,
        nodes: Iterable[Node],
        predicted: Mapping[str, float],
        avoid: Collection[str] = (),
    ) -> Node | None:
        """None, and counted, when nothing fits."""
        nodes = tuple(nodes)
        choice = choose(size, nodes, predicted, avoid)
        if choice is None:
            self._count(f"{vm}: no node takes {size} bytes: {_why(size, nodes, avoid)}")
            return None
        with self._lock:
            self._trouble = ""
            self._choices[vm] = choice
            self._choices.move_to_end(vm)
            while len(self._choices) > MOST_CHOICES:
                self._choices.popitem(last=False)
        return choice.node

    def moved(self, vm: str, bytes_per_second: float) -> None:
        with self._lock:
            choice = self._choices.pop(vm, None)
            if choice is None or bytes_per_second <= 0:
                return
            self._measured[choice.node.name] = bytes_per_second
            value = efficiency(choice, self._measured)
        self._efficiency.add(value)

    def refused(self, vm: str, why: str) -> None:
        """The chosen node had no room after all: the table that was believed is wrong."""
        with self._lock:
            choice = self._choices.pop(vm, None)
        where = choice.node.name if choice else "its node"
        self._count(f"{vm}: {where} has less room than the table says: {why}")

    def failed(self, vm: str) -> None:
        """For a reason that says nothing about the place."""
        with self._lock:
            self._choices.pop(vm, None)

    def status(self) -> dict[str, object]:
        return {
            "status": "unhealthy" if self._trouble else "healthy",
            "detail": self._trouble or f"{len(self._choices)} placements under way",
            "efficiency": self._efficiency.value(),
        }

    def _count(self, trouble: str) -> None:
        self._trouble = trouble
        self._errors.count("itp", "no_capacity", "warning")
        log.warning("%s", trouble)


def _why(size: int, nodes: Iterable[Node], avoid: Collection[str]) -> str:
    reasons = []
    for node in nodes:
        if not node.healthy:
            reasons.append(f"{node.name} is not healthy")
        elif node.name in avoid:
            reasons.append(f"{node.name} is to be avoided")
        elif node.free < size:
            reasons.append(f"{node.name} has {node.free} of {node.capacity} bytes free")
    return ", ".join(reasons) or "there are no nodes"


def parse_nodes(text: str) -> dict[str, int]:
    """Bytes by name out of `a=4096MiB, b=512MiB`, entries separated by commas or lines.
    Raises BadNodes with every mistake in it."""
    capacities: dict[str, int] = {}
    mistakes: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        column = 1
        for part in line.split(","):
            entry = part.strip()
            at = f"nodes:{number}:{column + len(part) - len(part.lstrip())}"
            column += len(part) + 1
            if entry and (mistake := _take(entry, capacities)):
                mistakes.append(f"{at}: {mistake}")
            elif not entry and "," in line and not _last(line, column):
                mistakes.append(f"{at}: nothing between two commas. Remove one of them.")
    if not capacities and not mistakes:
        mistakes.append("nodes:1:1: no node. Name at least one, such as node-1=4096MiB.")
    if mistakes:
        raise BadNodes("\n".join(mistakes))
    return capacities


def _last(line: str, column: int) -> bool:
    """A comma may end a line."""
    return column > len(line)


def _take(entry: str, capacities: dict[str, int]) -> str:
    """Add the entry, or say what is wrong with it."""
    name, equals, amount = (each.strip() for each in entry.partition("="))
    if not equals:
        return f'"{entry}" has no "=". Write NAME=CAPACITY, such as node-1=4096MiB.'
    if not NAME.fullmatch(name):
        return f'"{name}" is no name of a node. Use small letters, digits, "-" and ".".'
    match = AMOUNT.fullmatch(amount)
    if not match or not int(match[1]):
        return (
            f'"{amount}" is no capacity. Use a whole number above 0 and one of {", ".join(UNITS)}.'
        )
    if name in capacities:
        return f'"{name}" is there twice. Remove one of them.'
    capacities[name] = int(match[1]) * UNITS[match[2]]
    return ""
