"""What stands in the team's chat: the part `engine.chat.Posts` of a transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from playcall.engine.chat import Post
from playcall.storage.tables import chat_posts, chat_requests, chat_shown, holds, incidents

ARCHIVED = "archived"  # what a room that was put away shows
KEPT = timedelta(days=1)  # how long a request is remembered; Slack's are void after five minutes


class SqlPosts:
    _db: sa.Connection

    def post(self, key: str) -> Post | None:
        row = self._db.execute(sa.select(chat_posts).where(chat_posts.c.key == key)).one_or_none()
        return _post(row) if row else None

    def keep_post(self, post: Post) -> None:
        values = {
            "incident": post.incident,
            "channel": post.channel,
            "stamp": post.stamp,
            "shown": post.shown,
            "at": post.at,
        }
        self._replace(chat_posts, {"key": post.key}, values)

    def drop_post(self, key: str) -> None:
        self._db.execute(sa.delete(chat_posts).where(chat_posts.c.key == key))

    def posts_of(self, incident: int) -> Sequence[Post]:
        rows = self._db.execute(sa.select(chat_posts).where(chat_posts.c.incident == incident))
        return [_post(row) for row in rows]

    def unshown(self, since: datetime, limit: int) -> Sequence[int]:
        return self._db.scalars(
            sa.select(incidents.c.id)
            .outerjoin(chat_shown, chat_shown.c.incident == incidents.c.id)
            .where(
                sa.or_(incidents.c.live, incidents.c.over_at >= since),
                sa.func.coalesce(chat_shown.c.version, 0) < incidents.c.version,
            )
            .order_by(incidents.c.id.desc())
            .limit(limit)
        ).all()

    def keep_shown(self, incident: int, version: int) -> None:
        self._replace(chat_shown, {"incident": incident}, {"version": version})

    def show_anew(self) -> None:
        self._db.execute(sa.delete(chat_shown))

    def idle_rooms(self, before: datetime) -> Sequence[Post]:
        rows = self._db.execute(
            sa.select(chat_posts)
            .join(incidents, incidents.c.id == chat_posts.c.incident)
            .where(
                chat_posts.c.key.like("%/room"),
                chat_posts.c.shown != ARCHIVED,
                sa.not_(incidents.c.live),
                incidents.c.over_at < before,
            )
        )
        return [_post(row) for row in rows]

    def take_hold(self, name: str, owner: str, at: datetime, lasting: timedelta) -> bool:
        insert = self._insert(holds).values(name=name, owner=owner, until=at + lasting)
        taken = insert.on_conflict_do_update(
            index_elements=[holds.c.name],
            set_={"owner": owner, "until": at + lasting},
            where=sa.or_(
                holds.c.owner == owner, holds.c.until <= at, holds.c.until > at + 2 * lasting
            ),
        )
        return bool(self._db.execute(taken).rowcount)

    def first_time(self, key: str, at: datetime) -> bool:
        self._db.execute(sa.delete(chat_requests).where(chat_requests.c.at < at - KEPT))
        insert = self._insert(chat_requests).values(key=key, at=at).on_conflict_do_nothing()
        return bool(self._db.execute(insert).rowcount)

    def _replace(
        self, table: sa.Table, key: Mapping[str, object], values: Mapping[str, object]
    ) -> None:
        statement = self._insert(table).values(**key, **values)
        self._db.execute(
            statement.on_conflict_do_update(
                index_elements=[table.c[name] for name in key], set_=dict(values)
            )
        )

    def _insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        insert = sqlite.insert if self._db.dialect.name == "sqlite" else postgresql.insert
        return insert(table)


def _post(row: sa.Row[tuple[object, ...]]) -> Post:
    return Post(
        key=row.key,
        incident=row.incident,
        channel=row.channel,
        stamp=row.stamp,
        shown=row.shown,
        at=row.at,
    )
