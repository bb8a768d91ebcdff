"""Styles, scripts and pictures: an address with the file's own digest is kept by browsers for ever,
so that the second page costs one request; any other address is asked about each time."""

from urllib.parse import parse_qs

from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

from playcall.web.templates import STATIC, digest

FOR_EVER = "public, max-age=31536000, immutable"
ASK = "no-cache"


class VersionedFiles(StaticFiles):
    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        if answer.status_code in (200, 304):
            version = parse_qs(scope["query_string"].decode("latin-1")).get("v")
            answer.headers["Cache-Control"] = FOR_EVER if version == [digest(path)] else ASK
        return answer
