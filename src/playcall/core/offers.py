"""Values that earlier commands of the incident printed, for a person to choose from. Offered, never
assumed: nothing here fills anything."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address

from playcall.core.parameters import Kind, why_unfit

MOST = 8  # offers
LOOKED_AT = 200_000  # bytes of each output, from its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What one command printed here."""

    command: str  # its id in the play
    text: str  # as it ran
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    value: str
    found: str  # "12 times in the output of 1.2"


def offers(kind: Kind, name: str, printed: Sequence[Printed]) -> tuple[Offer, ...]:
    """The likeliest first: of the name that the placeholder has, then what was printed most."""
    counts: dict[str, Counter[str]] = {}  # value -> how often in which command's output
    for one in printed:
        for value, times in _find(kind, one):
            counts.setdefault(value, Counter())[one.command] += times
    stem = re.sub(r"[-_ .]?(?:pod|host|node)$", "", name.lower())
    ranked = sorted(counts, key=lambda value: (not _is_named(value, stem), -counts[value].total()))
    return tuple(Offer(value=value, found=_say(counts[value])) for value in ranked[:MOST])


@lru_cache(maxsize=128)
def _find(kind: Kind, one: Printed) -> tuple[tuple[str, int], ...]:
    """What fits in one output, and how often. A page asks for the same again and again."""
    find = _FINDERS.get(kind)
    found = Counter(value for value in (find(one) if find else ()) if not why_unfit(kind, value))
    return tuple(found.items())


def _is_named(value: str, stem: str) -> bool:
    return bool(stem) and value.rpartition("/")[2].startswith(f"{stem}-")


def _say(counts: Counter[str]) -> str:
    """The count is of all outputs; those that hold most are named."""
    total = counts.total()
    times = {1: "once", 2: "twice"}.get(total, f"{total} times")
    outputs = ", ".join(command for command, _ in counts.most_common(3))
    return f"{times} in the output of {outputs}"


def _lines(one: Printed) -> Iterator[str]:
    for line in one.output.splitlines():
        yield line[:2000]


# --- Addresses -----------------------------------------------------------------------------------

_ADDRESS = re.compile(
    r"(?<![\w.:])\[?((?:\d{1,3}\.){3}\d{1,3}|(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4})\]?"
    r"(:(?:\d{1,5}|\*))?(?![\w.]*[\w])"
)
# As ss and netstat draw them: a protocol or a state, two lengths of queues, two addresses.
_CONNECTION = re.compile(
    r"^\s*(?=[A-Za-z])(?:(?:tcp|udp|raw)\w*\s+)?(?:[A-Z][A-Z0-9_-]{3,}\s+)?\d+\s+\d+\s"
)


def _addresses(one: Printed) -> Iterator[str]:
    """Of a table of connections, the peer's only: the other address is one's own."""
    for line in _lines(one):
        found = [match[1] for match in _ADDRESS.finditer(line)]
        for value in found[1:2] if _CONNECTION.match(line) else found:
            if _may_be_peer(value):
                yield value


_OWN = frozenset(map(ip_address, ("127.0.0.1", "::1")))


def _may_be_peer(value: str) -> bool:
    try:
        address = ip_address(value)
    except ValueError:
        return False
    return not (address in _OWN or address.is_unspecified or address.is_multicast)


# --- Tables of kubectl ---------------------------------------------------------------------------

_KUBECTL_GET = re.compile(
    r"\bkubectl\b[^|;&\n]*\s(?:get|top)\s+(pods?|po|nodes?|no|namespaces?|ns)\b"
)
_TYPED = re.compile(r"^(pod|node|namespace)/(\S+)", re.MULTILINE)
_SINGULAR: Mapping[str, str] = {
    **dict.fromkeys(("pods", "pod", "po"), "pod"),
    **dict.fromkeys(("nodes", "node", "no"), "node"),
    **dict.fromkeys(("namespaces", "namespace", "ns"), "namespace"),
}
_COLUMNS: Mapping[str, str] = {"NODE": "node", "NAMESPACE": "namespace"}


def _named(wanted: str) -> Callable[[Printed], Iterator[str]]:
    """The names of one kind of resource in what kubectl prints."""

    def find(one: Printed) -> Iterator[str]:
        asked = _KUBECTL_GET.search(one.text)
        of = _SINGULAR[asked[1]] if asked else ""
        column: int | None = None
        for line in _lines(one):
            typed = _TYPED.match(line)
            words = line.split()
            if typed:
                if typed[1] == wanted:
                    yield typed[2]
            elif _is_head(words):
                column = _column(words, of, wanted)
            elif column is not None and column < len(words):
                yield words[column]

    return find


def _is_head(words: Sequence[str]) -> bool:
    return len(words) > 1 and "NAME" in words[:2] and all(w.upper() == w for w in words)


def _column(head: Sequence[str], of: str, wanted: str) -> int | None:
    """Which word of a line has the names. Behind RESTARTS words cannot be counted from the left."""
    if of == wanted:
        return head.index("NAME")
    for index, title in enumerate(head):
        if title == "RESTARTS":
            return None
        if _COLUMNS.get(title) == wanted:
            return index
    return None


def _hosts(one: Printed) -> Iterator[str]:
    yield from _named("node")(one)
    yield from _addresses(one)


_FINDERS: Mapping[Kind, Callable[[Printed], Iterable[str]]] = {
    Kind.IP: _addresses,
    Kind.HOST: _hosts,
    Kind.ENDPOINT: _hosts,
    Kind.POD: _named("pod"),
    Kind.WORKLOAD: _named("pod"),
    Kind.NAMESPACE: _named("namespace"),
}
