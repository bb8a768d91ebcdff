"""Looks at a database that a server may have open, and changes nothing in it."""

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from playcall.core.audit import Head, Verdict
from playcall.storage import audit


def verify_offline(url: str, noted: Head | None = None) -> Verdict:
    """Raises ValueError for what is no database with an audit log."""
    parsed = sa.make_url(url)
    try:
        if parsed.drivername.startswith("sqlite"):
            address = f"file:{parsed.database}"
            parsed = parsed.set(database=address, query={"mode": "ro", "uri": "true"})
        engine = sa.create_engine(parsed)
        try:
            with engine.connect() as connection:
                return audit.verdict(connection, noted)
        finally:
            engine.dispose()
    except (SQLAlchemyError, ImportError) as error:
        cause = " ".join(str(getattr(error, "orig", None) or error).split())[:300]
        raise ValueError(f"The database cannot be read: {cause}") from None
