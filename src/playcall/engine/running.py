"""What runs commands, and what may go wrong with a host far away."""

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Protocol

from playcall.core.events import CommandBegun
from playcall.core.incident import Run
from playcall.core.plan import EffectClass
from playcall.engine.ports import Execution, Exit, Output, Unavailable


class Lost(Unavailable):
    """The host of a command vanished after the command had begun: nobody knows how it ended."""


class Runner(Protocol):
    def run(
        self, command: str, *, time_limit: timedelta, effect: EffectClass = EffectClass.OBSERVE
    ) -> AsyncGenerator[Output | Exit, None]:
        """Run one shell command with the credentials for its class. Closing the iterator early ends
        the command. Raises Unavailable when nothing was run, and Lost."""
        ...


def begun(task: Execution, run: Run, at: datetime) -> CommandBegun:
    """The event that is committed before the spawn."""
    return CommandBegun(
        at=at,
        command=task.command,
        run=task.run,
        where=task.where,
        whom=task.whom,
        after=run.after,
    )
