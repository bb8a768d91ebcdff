"""The post-mortems that people edit: what a store promises about them. See `ports`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from playcall.core.incident import Incident
from playcall.core.insights import Record
from playcall.core.post_mortem import PostMortem


class Papers(Protocol):
    def post_mortem(self, incident: int) -> PostMortem | None:
        """The latest version; None when nobody saved one."""
        ...

    def keep_post_mortem(self, incident: int, paper: PostMortem) -> None:
        """Beside the earlier versions. Raises Unavailable when that version is there already."""
        ...

    def keep_words(self, incident: int, text: str) -> None:
        """What `alike` finds it by, in place of an earlier text."""
        ...


class PapersView(Protocol):
    def post_mortem(self, incident: int) -> PostMortem | None: ...

    def records(self, since: datetime, limit: int) -> Sequence[Record]:
        """Incidents that opened since then, newest first, without what was measured in them."""
        ...

    def alike(self, incident: int, words: Sequence[str], limit: int) -> Sequence[Record]:
        """Other incidents that are over: those whose text has most of the words, and the newest
        ones of the same group."""
        ...

    def owing(self, limit: int) -> Sequence[Incident]:
        """Incidents with an overdue duty or action item, the oldest first."""
        ...

    def ticketed(self, limit: int) -> Sequence[Incident]:
        """Incidents with an action item whose ticket is open, the newest first."""
        ...
