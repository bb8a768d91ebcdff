"""Alerts that came and went before they were taken in: nobody was called, and people can see it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from playcall.core.alert import Alert
from playcall.engine.arrivals import title_of
from playcall.engine.ports import Views
from playcall.web.auth import Viewer
from playcall.web.desk import desk

router = APIRouter(prefix="/api/v1")

SHOWN_FOR = timedelta(days=1)
MOST = 100


class Unheard(BaseModel):
    title: str
    labels: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None = Field(description="when it cleared, as its message says")


@router.get("/alerts/unheard")
async def list_unheard(request: Request, _: Viewer) -> list[Unheard]:
    """Alerts of the last day that cleared before they opened anything, newest first."""
    now = desk(request).clock.now()
    return await desk(request).store.read(lambda views: lately(views, now))


def lately(views: Views, now: datetime) -> list[Unheard]:
    return _shown(views.unheard(now - SHOWN_FOR, MOST))


def _shown(alerts: Sequence[Alert]) -> list[Unheard]:
    return [
        Unheard(
            title=title_of(alert),
            labels=dict(alert.labels),
            starts_at=alert.starts_at,
            ends_at=alert.ends_at,
        )
        for alert in alerts
    ]
