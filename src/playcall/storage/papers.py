"""Post-mortems in the database, every version of them, and what is overdue: `engine.papers`."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from playcall.core.incident import Incident
from playcall.core.post_mortem import PostMortem
from playcall.engine.ports import Unavailable
from playcall.storage.codec import dump, load
from playcall.storage.tables import incidents, post_mortems


class SqlPapersView:
    """The reads."""

    _db: sa.Connection

    def post_mortem(self, incident: int) -> PostMortem | None:
        body = self._db.scalar(
            sa.select(post_mortems.c.body)
            .where(post_mortems.c.incident == incident)
            .order_by(post_mortems.c.version.desc())
            .limit(1)
        )
        return load(body, PostMortem) if body else None

    def owing(self, limit: int) -> Sequence[Incident]:
        query = (
            sa.select(incidents.c.state)
            .where(incidents.c.overdue > 0)
            .order_by(incidents.c.id)
            .limit(limit)
        )
        return [load(state, Incident) for state in self._db.scalars(query)]


class SqlPapers(SqlPapersView):
    """The reads, and the one write."""

    def keep_post_mortem(self, incident: int, paper: PostMortem) -> None:
        row = {
            "incident": incident,
            "version": paper.version,
            "at": paper.at,
            "by": paper.by,
            "body": dump(paper),
        }
        try:
            self._db.execute(sa.insert(post_mortems).values(row))
        except IntegrityError:
            raise Unavailable(f"version {paper.version} was saved by somebody else") from None
