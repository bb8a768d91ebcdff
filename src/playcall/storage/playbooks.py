"""Documents, plans, and what is known of their incidents and runs: `engine.playbooks`."""

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from playcall.core.incident import RunStatus, Status
from playcall.core.plan import Plan
from playcall.core.track_record import Brief, Ran
from playcall.engine.playbooks import Use
from playcall.storage.codec import dump, load
from playcall.storage.outbox import upserting
from playcall.storage.tables import documents, incidents, plan_uses, plans, runs

_ENDED = (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.TIMED_OUT)


def plan_digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


# Parts of what is stored: to read all of an incident takes ten times as long.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alert:
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    alert: _Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    id: int
    plan: str
    play: str | None
    title: str
    severity: str
    status: Status
    opened_at: datetime
    resolved_at: datetime | None = None
    alerts: Mapping[str, _Member] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    written: str


class SqlPlaybooksView:
    """The reads."""

    _db: sa.Connection
    _plans: dict[str, Plan]

    def plan(self, digest: str) -> Plan:
        if digest not in self._plans:
            query = sa.select(plans.c.body).where(plans.c.digest == digest)
            self._plans[digest] = load(self._db.execute(query).scalar_one(), Plan)
        return self._plans[digest]

    def plans(self) -> Sequence[str]:
        return self._db.scalars(sa.select(plans.c.digest).order_by(plans.c.digest)).all()

    def uses(self) -> Sequence[Use]:
        rows = self._db.execute(sa.select(plan_uses).order_by(plan_uses.c.id))
        return [Use(name=row.name, plan=row.plan, at=row.at) for row in rows]

    def document(self, digest: str) -> bytes | None:
        body = self._db.scalar(sa.select(documents.c.body).where(documents.c.digest == digest))
        return zlib.decompress(body) if body is not None else None

    def briefs(self, limit: int) -> Sequence[Brief]:
        query = sa.select(incidents.c.state).order_by(incidents.c.id.desc()).limit(limit)
        return [_brief(load(state, _State)) for state in self._db.scalars(query)]

    def ran(self, of_incidents: int, limit: int) -> Sequence[Ran]:
        newest = sa.select(incidents.c.id).order_by(incidents.c.id.desc()).limit(of_incidents)
        rows = self._db.execute(
            sa.select(runs)
            .where(
                runs.c.incident.in_(newest),
                runs.c.status.in_(_ENDED),
                runs.c.ended_at.is_not(None),
            )
            .order_by(runs.c.ended_at.desc())
            .limit(limit)
        )
        return [
            Ran(
                written=load(row.body, _Written).written,
                run=row.id,
                incident=row.incident,
                status=RunStatus(row.status),
                exit_code=row.exit_code,
                at=row.ended_at,
            )
            for row in rows
        ]


def _brief(state: _State) -> Brief:
    first = next(iter(state.alerts.values()), None)
    return Brief(
        id=state.id,
        plan=state.plan,
        play=state.play,
        alert=first.alert.labels.get("alertname", "") if first else "",
        title=state.title,
        severity=state.severity,
        status=state.status,
        opened_at=state.opened_at,
        resolved_at=state.resolved_at,
    )


class SqlPlaybooks(SqlPlaybooksView):
    """The reads, and the writes."""

    def keep_plan(self, plan: Plan) -> str:
        body = dump(plan)
        digest = plan_digest(body)
        self._add_once(plans, digest=digest, body=body)
        self._plans[digest] = plan
        return digest

    def keep_document(self, data: bytes, plan: Plan, at: datetime) -> str:
        digest = self.keep_plan(plan)
        packed = zlib.compress(data)
        self._add_once(documents, digest=hashlib.sha256(data).hexdigest(), body=packed)
        of_it = sa.select(plan_uses.c.plan).where(plan_uses.c.name == plan.source)
        if self._db.scalar(of_it.order_by(plan_uses.c.id.desc()).limit(1)) != digest:
            use = {"name": plan.source, "plan": digest, "at": at}
            self._db.execute(sa.insert(plan_uses).values(use))
        return digest

    def _add_once(self, table: sa.Table, **row: object) -> None:
        adding = upserting(self._db.dialect.name, table).values(row)
        self._db.execute(adding.on_conflict_do_nothing())
