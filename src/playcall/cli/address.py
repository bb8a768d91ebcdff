"""Where the server is: by --url, PLAYCALL_URL, the settings file, or the default, in that order."""

import os
import tomllib
from pathlib import Path

USUAL = "http://127.0.0.1:8700"
SETTINGS = "playcall.toml"
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # bound there, reached here


class NoAddress(ValueError):
    """A settings file that was meant to tell it does not; the message is for a person."""


def find_address(url: str | None, settings: str | None) -> str:
    """`settings` is the file that was named; None: the one in this directory, if there is one.
    Raises NoAddress."""
    told = url or os.environ.get("PLAYCALL_URL")
    if not told:
        path = Path(settings or SETTINGS)
        told = _of_file(path) if settings or path.is_file() else USUAL
    return told.rstrip("/")


def _of_file(path: Path) -> str:
    """Only this table is read: who asks a server need not be allowed to read its secrets."""
    try:
        server = tomllib.loads(path.read_text("utf-8")).get("server", {})
    except (OSError, UnicodeDecodeError) as error:
        raise NoAddress(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise NoAddress(f"{path}: not TOML: {error}") from None
    if not isinstance(server, dict):
        raise NoAddress(f"{path}: server is no table. Begin it with [server].")
    if server.get("url"):
        return str(server["url"])
    host = str(server.get("host", "127.0.0.1"))
    host = _EVERYWHERE.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{host}:{server.get('port', 8700)}"
