"""Whose turn it is: commands that run by themselves wait for a free place, and no incident, however
many commands it has, makes the others wait. What a person approved never waits here."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from playcall.engine.ports import Execution, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many commands that run by themselves may run at once."""

    in_all: int = 16
    per_incident: int = 8
    per_target: int = 8
    served: Mapping[int, int] = field(default_factory=dict)  # by incident: when, of all turns


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A command that is due, or one that runs."""

    key: str
    incident: int
    lane: str  # what it burdens


def lane(task: Task) -> str | None:
    """What a command burdens: its target, or Prometheus. None: it waits for nobody."""
    if not isinstance(task, Execution) or task.approved_by is not None:
        return None
    return "prometheus" if task.native else task.target


def choose(waiting: Iterable[Waiting], running: Iterable[Waiting], limits: Limits) -> list[str]:
    """The keys of those whose turn it is: the incident with the fewest running comes first, of
    several the one whose last turn is longest ago, and what has waited longest in it. `waiting` is
    in the order of waiting."""
    by_incident: Counter[int] = Counter()
    by_lane: Counter[str] = Counter()
    for one in running:
        by_incident[one.incident] += 1
        by_lane[one.lane] += 1
    free = limits.in_all - by_incident.total()
    queue = []
    place: Counter[int] = Counter(by_incident)
    for order, one in enumerate(waiting):
        place[one.incident] += 1
        queue.append((place[one.incident], limits.served.get(one.incident, 0), order, one))
    chosen: list[str] = []
    for _, _, _, one in sorted(queue, key=lambda entry: entry[:3]):
        full = (
            by_incident[one.incident] >= limits.per_incident
            or by_lane[one.lane] >= limits.per_target
        )
        if len(chosen) < free and not full:
            chosen.append(one.key)
            by_incident[one.incident] += 1
            by_lane[one.lane] += 1
    return chosen
