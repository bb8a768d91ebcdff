"""What the pages' forms share: the types of their fields, and where they lead to."""

from typing import Annotated

from fastapi import Form
from fastapi.responses import RedirectResponse, Response

Text = Annotated[str, Form()]
Flag = Annotated[bool, Form()]
Reason = Annotated[str, Form(max_length=2000)]


def back(incident: int, anchor: str = "") -> Response:
    """To the incident's page, which shows what came of it."""
    return RedirectResponse(f"/incidents/{incident}{'#' if anchor else ''}{anchor}", 303)
