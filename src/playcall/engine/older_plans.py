"""Roles that open incidents page by the plans they opened with, and that nobody fills any more. The
roles of today's document are checked before the server starts; an older plan must not stop it."""

from collections.abc import Iterable, Mapping

from playcall.core.incident import Incident
from playcall.core.people import roles
from playcall.engine.directory import Directory
from playcall.engine.ports import Views

MOST = 100_000  # incidents that are looked at


def unbound_roles(
    views: Views, incidents: Iterable[Incident], known: Directory
) -> Mapping[int, tuple[str, ...]]:
    """By incident: what its plan pages by itself and nobody is behind."""
    live = [incident for incident in incidents if not incident.status.over]
    missing = {
        digest: known.unbound(roles(views.plan(digest)))
        for digest in {incident.plan for incident in live}
    }
    return {incident.id: missing[incident.plan] for incident in live if missing[incident.plan]}


def unbound_warnings(views: Views, known: Directory) -> list[str]:
    """A line for each set of roles, with the incidents that name them."""
    live = views.incidents(live_only=True, limit=MOST)
    named: dict[tuple[str, ...], list[int]] = {}
    for number, missing in sorted(unbound_roles(views, live, known).items()):
        named.setdefault(missing, []).append(number)
    return [
        f"Nobody is bound to {', '.join(map(repr_of, missing))}, which "
        f"{_incidents(numbers)} opened with an earlier plan and may page: "
        "whoever stands behind the first rung is paged instead. Add a line to [on_call]."
        for missing, numbers in named.items()
    ]


def repr_of(role: str) -> str:
    return f'"{role}"'


def _incidents(numbers: list[int]) -> str:
    word = "incident" if len(numbers) == 1 else "incidents"
    return f"{word} {', '.join(map(str, numbers))},"
