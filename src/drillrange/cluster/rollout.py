"""How many pods each replica set of a deployment should have now. Pure arithmetic."""

import math
from dataclasses import dataclass

from drillrange.cluster.objects import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A replica set: what it should have, has (those that are ending too), and has ready."""

    name: str
    wanted: int
    pods: int
    ready: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """`surge` pods more, `unavailable` fewer than wanted, at any time of a rolling update."""

    recreate: bool
    surge: int
    unavailable: int


def read_strategy(spec: Object) -> Strategy:
    wanted = replicas(spec)
    strategy = spec.get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return Strategy(recreate=True, surge=0, unavailable=0)
    rolling = strategy.get("rollingUpdate") or {}
    surge = _share(rolling.get("maxSurge", "25%"), wanted, up=True)
    unavailable = _share(rolling.get("maxUnavailable", "25%"), wanted, up=False)
    if surge == unavailable == 0:
        unavailable = 1
    return Strategy(recreate=False, surge=surge, unavailable=unavailable)


def replicas(spec: Object) -> int:
    found = spec.get("replicas")
    return 1 if found is None else int(found)


def sizes(wanted: int, strategy: Strategy, new: Size, old: list[Size]) -> dict[str, int]:
    """The next sizes, by name; to be asked again whenever something changed."""
    if strategy.recreate:
        if any(size.pods for size in old):
            return {size.name: 0 for size in old} | {new.name: new.wanted}
        return {size.name: 0 for size in old} | {new.name: wanted}
    return _rolled(wanted, strategy, new, old)


def _rolled(wanted: int, strategy: Strategy, new: Size, old: list[Size]) -> dict[str, int]:
    total = new.wanted + sum(size.wanted for size in old)
    room = max(0, wanted + strategy.surge - total)
    grown = min(wanted, new.wanted + room)
    least = wanted - strategy.unavailable
    removable = total - least - max(0, new.wanted - new.ready)
    answer = {new.name: grown}
    spare = new.ready + sum(size.ready for size in old) - least
    for size in sorted(old, key=lambda size: size.ready):
        sick = min(max(0, size.wanted - size.ready), max(0, removable))
        well = min(size.wanted - sick, max(0, removable - sick), max(0, spare))
        removable, spare = removable - sick - well, spare - well
        answer[size.name] = size.wanted - sick - well
    return answer


def _share(amount: int | str, whole: int, *, up: bool) -> int:
    """A number, or a percentage of `whole`."""
    text = str(amount)
    if not text.endswith("%"):
        return int(text)
    exact = whole * float(text[:-1]) / 100
    return math.ceil(exact) if up else math.floor(exact)
