"""`/metrics`: what Prometheus may scrape, computed from the store when it is asked for."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from playcall.core.incident import Incident
from playcall.core.readiness import Readiness, State
from playcall.engine.ports import Views
from playcall.engine.proofs import Beat, Proof
from playcall.engine.reconcile import COUNTED
from playcall.engine.tally import (
    BEYOND,
    BUCKETS,
    DOUBTFUL,
    DUTIES,
    PAGES,
    REGROUPED,
    RESPONSE,
    RESPONSE_SUM,
    STAKEHOLDERS,
    TARGETS_MISSED,
    UNHEARD,
    UPDATES,
)
from playcall.web.auth import Doorkeeper
from playcall.web.desk import desk

TEXT = "text/plain; version=0.0.4; charset=utf-8"
MOST = 100_000  # incidents


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the store knows."""

    live: Sequence[Incident]
    counts: Mapping[str, int]
    readiness: Readiness | None
    overdue: int = 0  # duties
    actions_overdue: int = 0
    proofs: Sequence[Proof] = ()  # the latest of each person's every method
    heartbeats: Mapping[str, Beat] = field(default_factory=dict)


async def expose(request: Request) -> Response:
    """`GET /metrics` with a bearer token, of the intake or of a person."""
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    scheme, _, said = request.headers.get("authorization", "").partition(" ")
    token = said.strip()
    admitted = doorkeeper.admits_intake(token) or doorkeeper.by_token(token) is not None
    if scheme.lower() != "bearer" or not admitted:
        return JSONResponse({"detail": "/metrics needs a token; see intake.tokens"}, 401)
    figures = await desk(request).store.read(_gather)
    return Response(render(figures), media_type=TEXT)


def _gather(views: Views) -> Figures:
    readiness = views.readiness(1)
    owing = [one.owed for one in views.owing(MOST)]
    return Figures(
        live=views.incidents(live_only=True, limit=MOST),
        counts=views.counts(),
        readiness=readiness[0] if readiness else None,
        overdue=sum(len(owed.overdue) for owed in owing),
        actions_overdue=sum(owed.actions_overdue for owed in owing),
        proofs=views.latest_proofs(),
        heartbeats=views.heartbeats(),
    )


def render(figures: Figures) -> str:
    """In Prometheus's text format, version 0.0.4."""
    lines = [
        *_incidents(figures.live),
        *_response_time(figures.counts),
        *_head("playcall_response_targets_missed_total", "counter", "Nobody acknowledged in time."),
        f"playcall_response_targets_missed_total {figures.counts.get(TARGETS_MISSED, 0)}",
        *_head("playcall_alerts_unheard_total", "counter", "Came and went before being taken in."),
        f"playcall_alerts_unheard_total {figures.counts.get(UNHEARD, 0)}",
        *_head("playcall_alerts_doubtful_total", "counter", "Said to fire by a cleared start."),
        f"playcall_alerts_doubtful_total {figures.counts.get(DOUBTFUL, 0)}",
        *_head("playcall_pages_total", "counter", "Pages by what became of them."),
        *_counted("playcall_pages_total", "result", PAGES, figures.counts, "delivered", "failed"),
        *_head(
            "playcall_status_updates_total", "counter", "Status updates by what became of them."
        ),
        *_counted(
            "playcall_status_updates_total",
            "result",
            UPDATES,
            figures.counts,
            "published",
            "missed",
        ),
        *_head("playcall_stakeholder_summaries_total", "counter", "Summaries sent, and late ones."),
        *_counted(
            "playcall_stakeholder_summaries_total",
            "result",
            STAKEHOLDERS,
            figures.counts,
            "told",
            "missed",
        ),
        *_head(
            "playcall_reconciled_total", "counter", "Repairs of what Alertmanager's messages left."
        ),
        *_counted("playcall_reconciled_total", "kind", COUNTED, figures.counts),
        *_regrouped_and_owed(figures),
        *_readiness(figures.readiness),
        *_test_pages(figures.proofs),
        *_watchdogs(figures.heartbeats),
    ]
    return "\n".join(lines) + "\n"


def _head(name: str, kind: str, words: str) -> tuple[str, str]:
    return f"# HELP {name} {words}", f"# TYPE {name} {kind}"


def _regrouped_and_owed(figures: Figures) -> Iterator[str]:
    name, counts = "playcall_incidents_regrouped_total", figures.counts
    yield from _head(name, "counter", "Incidents merged, and split.")
    yield from _counted(name, "how", REGROUPED, counts, "merged", "split")
    name = "playcall_duties_total"
    yield from _head(name, "counter", "Duties and items of them, by what became.")
    yield from _counted(name, "result", DUTIES, counts, "done", "waived", "overdue")
    yield from _head("playcall_duties_overdue", "gauge", "Duties that are overdue now.")
    yield f"playcall_duties_overdue {figures.overdue}"
    yield from _head("playcall_actions_overdue", "gauge", "Action items that are overdue now.")
    yield f"playcall_actions_overdue {figures.actions_overdue}"


def _incidents(live: Sequence[Incident]) -> Iterator[str]:
    yield from _head("playcall_incidents", "gauge", "Incidents that are not over.")
    found = Counter((incident.severity, str(incident.status)) for incident in live)
    for (severity, status), count in sorted(found.items()):
        labels = f'severity="{escaped(severity)}",status="{escaped(status)}"'
        yield f"playcall_incidents{{{labels}}} {count}"


def _response_time(counts: Mapping[str, int]) -> Iterator[str]:
    name = "playcall_response_time_seconds"
    yield from _head(name, "histogram", "From the alert's start to the first acknowledgement.")
    within = 0
    for bucket in (*map(str, BUCKETS), BEYOND):
        within += counts.get(f"{RESPONSE}{bucket}", 0)
        yield f'{name}_bucket{{le="{bucket}"}} {within}'
    yield f"{name}_sum {counts.get(RESPONSE_SUM, 0) / 1000}"
    yield f"{name}_count {within}"


def _counted(
    name: str, label: str, prefix: str, counts: Mapping[str, int], *always: str
) -> Iterator[str]:
    known = {key.removeprefix(prefix): n for key, n in counts.items() if key.startswith(prefix)}
    for value, count in sorted({**dict.fromkeys(always, 0), **known}.items()):
        yield f'{name}{{{label}="{escaped(value)}"}} {count}'


def _readiness(reading: Readiness | None) -> Iterator[str]:
    """Nothing where the document has no gauge."""
    if reading is None:
        return
    yield from _head("playcall_readiness", "gauge", "1 for the state that holds.")
    for state in State:
        yield f'playcall_readiness{{state="{state}"}} {int(state is reading.state)}'
    if reading.value is not None:
        yield from _head("playcall_readiness_ratio", "gauge", "What the state is read from.")
        yield f"playcall_readiness_ratio {reading.value}"


def _test_pages(proofs: Sequence[Proof]) -> Iterator[str]:
    taken, took = "playcall_test_page_taken", "playcall_test_page_seconds"
    named = [
        (f'{{person="{escaped(proof.person)}",channel="{escaped(proof.channel)}"}}', proof)
        for proof in proofs
    ]
    yield from _head(taken, "gauge", "1 when the channel took the latest test page.")
    yield from (f"{taken}{labels} {int(proof.passed)}" for labels, proof in named)
    yield from _head(took, "gauge", "From asking for the latest test page to its end.")
    for labels, proof in named:
        if proof.took is not None:
            yield f"{took}{labels} {proof.took.total_seconds()}"


def _watchdogs(heartbeats: Mapping[str, Beat]) -> Iterator[str]:
    name = "playcall_watchdog_heard_timestamp_seconds"
    yield from _head(name, "gauge", "When an Alertmanager's Watchdog came last.")
    for source, beat in heartbeats.items():
        if source.startswith(("http://", "https://")):
            yield f'{name}{{source="{escaped(source)}"}} {beat.at.timestamp()}'


def escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
