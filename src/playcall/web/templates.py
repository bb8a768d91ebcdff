"""The pages' templates; everything put into them is escaped."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from playcall.core.wording import say_duration, say_unreached

_HERE = Path(__file__).parent
STATIC = _HERE / "static"

environment = Environment(
    loader=FileSystemLoader(_HERE / "html"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
environment.filters["clock"] = lambda at: f"{at.astimezone(UTC):%H:%M:%S}"
environment.filters["iso"] = lambda at: at.astimezone(UTC).isoformat(timespec="seconds")
environment.filters["duration"] = say_duration
environment.filters["seconds"] = lambda count: say_duration(timedelta(seconds=count))
environment.filters["rounded"] = lambda left: say_duration(
    timedelta(seconds=round(left.total_seconds()))
)
environment.filters["spaced"] = lambda kind: re.sub(r"(?<!^)([A-Z])", r" \1", kind).capitalize()
environment.filters["unreached"] = say_unreached


def render(name: str, **values: object) -> str:
    return environment.get_template(name).render(**values, now=datetime.now(UTC))
