"""Our own style sheets and scripts: by an address that changes with their text, so that a browser
asks for each once."""

import hashlib
from functools import lru_cache
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
_FOR_EVER = "public, max-age=31536000, immutable"


def address(name: str) -> str:
    return f"/static/{name}?v={_digest(name)}"


class OurFiles(StaticFiles):
    """Kept for ever by whoever asked for the text that is here now."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200 and scope["query_string"] == f"v={_digest(path)}".encode():
            response.headers["Cache-Control"] = _FOR_EVER
        return response


@lru_cache(maxsize=100)
def _digest(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
