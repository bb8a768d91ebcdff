"""The post-mortems that people edit, and what was measured for them: what a store promises about
both. See `ports`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from playcall.core.incident import Incident
from playcall.core.insights import Record
from playcall.core.post_mortem import PostMortem
from playcall.core.review import Review


class Papers(Protocol):
    def post_mortem(self, incident: int, version: int | None = None) -> PostMortem | None:
        """The latest version, or that one; None when nobody saved it."""
        ...

    def keep_post_mortem(self, incident: int, paper: PostMortem) -> None:
        """Beside the earlier versions. Raises Unavailable when that version is there already."""
        ...

    def review(self, incident: int, of: int | None = None) -> Review | None:
        """As `PapersView.review`."""
        ...

    def keep_review(self, incident: int, review: Review) -> None:
        """Beside the earlier ones, by the number of its event."""
        ...

    def keep_words(self, incident: int, text: str) -> None:
        """What `alike` finds it by, in place of an earlier text."""
        ...


class PapersView(Protocol):
    def post_mortem(self, incident: int, version: int | None = None) -> PostMortem | None: ...

    def review(self, incident: int, of: int | None = None) -> Review | None:
        """The latest that is among the first `of` events, or of all; None: nothing was measured."""
        ...

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
