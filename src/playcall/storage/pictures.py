"""Pictures in the database: `engine.pictures`."""

import sqlalchemy as sa

from playcall.engine.failing import Unavailable
from playcall.engine.pictures import Picture
from playcall.storage.tables import pictures

MOST = 200  # of one incident


class SqlPictures:
    """The writes."""

    _db: sa.Connection

    def keep_picture(self, incident: int, picture: Picture) -> int:
        query = sa.select(sa.func.max(pictures.c.number)).where(pictures.c.incident == incident)
        number = (self._db.scalar(query) or 0) + 1
        if number > MOST:
            raise Unavailable(f"incident {incident} has {MOST} pictures already", permanent=True)
        row = {
            "incident": incident,
            "number": number,
            "kind": picture.kind,
            "data": picture.data,
            "by": picture.by,
            "at": picture.at,
        }
        self._db.execute(sa.insert(pictures).values(row))
        return number


class SqlPicturesView:
    """The reads."""

    _db: sa.Connection

    def picture(self, incident: int, number: int) -> Picture | None:
        query = sa.select(pictures).where(
            pictures.c.incident == incident, pictures.c.number == number
        )
        row = self._db.execute(query).first()
        if row is None:
            return None
        return Picture(kind=row.kind, data=bytes(row.data), by=row.by, at=row.at)
