"""The metrics review of an incident over HTTP."""

from fastapi import Request

from playcall.core.review import Review
from playcall.web.desk import desk


async def review_of(request: Request, incident: int) -> Review | None:
    """None: nothing was measured, or not yet. Raises Unavailable."""
    return await desk(request).store.read(lambda views: views.review(incident))
