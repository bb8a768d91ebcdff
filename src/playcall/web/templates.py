"""The pages' templates; everything put into them is escaped, and nothing in it stays unseen."""

import functools
import hashlib
import re
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from playcall.core.wording import say_duration, say_unreached
from playcall.web.ansi import visible

_HERE = Path(__file__).parent
STATIC = _HERE / "static"


@functools.cache
def digest(name: str) -> str:
    """Of a static file as it was when it was first asked for: none changes under a server."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def static(name: str) -> str:
    """A static file's address, which is another one whenever the file is."""
    return f"/static/{name}?v={digest(name)}"


environment = Environment(
    loader=FileSystemLoader(_HERE / "html"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    finalize=visible,
    trim_blocks=True,
    lstrip_blocks=True,
)
environment.filters["clock"] = lambda at: f"{at.astimezone(UTC):%H:%M:%S}"
environment.filters["moment"] = lambda at: f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
environment.filters["iso"] = lambda at: at.astimezone(UTC).isoformat(timespec="seconds")
environment.filters["duration"] = say_duration
environment.filters["seconds"] = lambda count: say_duration(timedelta(seconds=count))
environment.filters["rounded"] = lambda left: say_duration(
    timedelta(seconds=round(left.total_seconds()))
)
environment.filters["spaced"] = lambda kind: re.sub(r"(?<!^)([A-Z])", r" \1", kind).capitalize()
environment.filters["unreached"] = say_unreached
environment.globals["static"] = static
environment.globals["release"] = version("playcall")


def render(name: str, **values: object) -> str:
    return environment.get_template(name).render(**values, now=datetime.now(UTC))
