"""The list of all incidents: by state, play, severity and words, page by page."""

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from playcall.core.incident import Status
from playcall.core.search import LONGEST, words
from playcall.engine.listing import Life, Sought
from playcall.web.auth import Viewer
from playcall.web.desk import desk
from playcall.web.templates import render

router = APIRouter()

A_PAGE = 50
State = Literal[
    "", "open", "over", "acknowledged", "recovered", "resolved", "closed", "merged", "unheard"
]
STATES = (
    ("", "any"),
    ("open", "open, whoever has it"),
    ("unheard", "open, nobody has it"),
    ("acknowledged", "acknowledged"),
    ("recovered", "recovered"),
    ("over", "over"),
    ("resolved", "resolved"),
    ("closed", "closed"),
    ("merged", "merged into another"),
)
Name = Annotated[str, Query(max_length=LONGEST)]


@router.get("/incidents")
async def list_all(
    request: Request,
    who: Viewer,
    state: State = "",
    severity: Name = "",
    play: Name = "",
    q: str = "",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> HTMLResponse:
    sought = Sought(
        life=_life(state), status=_status(state), severity=severity, play=play, words=words(q)
    )
    skip = (page - 1) * A_PAGE
    nothing = q.strip() and not sought.words  # was typed that could be looked for
    found, choices = await desk(request).store.read(
        lambda views: (
            () if nothing else views.listed(sought, A_PAGE + 1, skip),
            views.choices(),
        )
    )
    asked = {"state": state, "severity": severity, "play": play, "q": q[:LONGEST]}
    text = render(
        "incidents.html",
        who=who,
        at=desk(request).clock.now(),
        incidents=found[:A_PAGE],
        choices=choices,
        states=STATES,
        asked=asked,
        page=page,
        earlier=_address(asked, page - 1) if page > 1 else "",
        later=_address(asked, page + 1) if len(found) > A_PAGE else "",
    )
    return HTMLResponse(text)


def _life(state: State) -> Life:
    return state if state in ("open", "over") else ""


def _status(state: State) -> str:
    if state == "unheard":
        return Status.OPEN
    return "" if state in ("", "open", "over") else state


def _address(asked: dict[str, str], page: int) -> str:
    kept = {name: value for name, value in asked.items() if value}
    return f"/incidents?{urlencode(kept | {'page': str(page)})}"
