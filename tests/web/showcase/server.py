"""`playcall serve` by a clock that stands still until somebody writes another time into a file.

`python -m tests.web.showcase.server SETTINGS CLOCK`.
"""

import asyncio
import sys
from datetime import datetime, tzinfo
from pathlib import Path

import playcall.app
import playcall.hands
import playcall.public
from playcall.settings import read_settings
from playcall.web import templates


def main() -> None:
    settings, file = Path(sys.argv[1]), Path(sys.argv[2])

    class WrittenClock:
        def now(self) -> datetime:
            return datetime.fromisoformat(file.read_text("utf-8"))

    class Written(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Written":
            return cls.fromisoformat(file.read_text("utf-8"))

    for module in (playcall.app, playcall.hands, playcall.public):
        module.SystemClock = WrittenClock  # type: ignore[attr-defined]
    templates.datetime = Written  # type: ignore[attr-defined]
    found = read_settings(settings)
    asyncio.run(playcall.app.serve(found, playcall.app.load_playbook(found)))


if __name__ == "__main__":
    main()
