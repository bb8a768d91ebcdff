"""Full text of incidents, by what the database has: FTS5 in SQLite, tsvector in PostgreSQL."""

import re
from collections.abc import Sequence

import sqlalchemy as sa

LONGEST = 200_000  # characters of one incident; PostgreSQL takes up to a megabyte of words

_PREPARE = {
    "sqlite": (
        "CREATE VIRTUAL TABLE IF NOT EXISTS incident_words "
        "USING fts5(words, tokenize = 'unicode61 remove_diacritics 2')",
    ),
    "postgresql": (
        "CREATE TABLE IF NOT EXISTS incident_words (incident BIGINT PRIMARY KEY, "
        "words TEXT NOT NULL, "
        "found TSVECTOR GENERATED ALWAYS AS (to_tsvector('simple', words)) STORED)",
        "CREATE INDEX IF NOT EXISTS incident_words_found ON incident_words USING gin (found)",
    ),
}
_KEEP = {
    "sqlite": "INSERT INTO incident_words (rowid, words) VALUES (:incident, :words)",
    "postgresql": "INSERT INTO incident_words (incident, words) VALUES (:incident, :words)",
}
_DROP = {
    "sqlite": "DELETE FROM incident_words WHERE rowid = :incident",
    "postgresql": "DELETE FROM incident_words WHERE incident = :incident",
}
_FIND = {
    "sqlite": "SELECT rowid FROM incident_words WHERE incident_words MATCH :asked "
    "ORDER BY rank, rowid DESC LIMIT :limit",
    "postgresql": "SELECT incident FROM incident_words, "
    "websearch_to_tsquery('simple', :asked) AS query WHERE found @@ query "
    "ORDER BY ts_rank(found, query) DESC, incident DESC LIMIT :limit",
}
# Every word, the last one perhaps cut short. Words are letters and digits only.
_FIND_ALL = {
    "sqlite": "SELECT rowid FROM incident_words WHERE incident_words MATCH :asked "
    "ORDER BY rowid DESC LIMIT :limit",
    "postgresql": "SELECT incident FROM incident_words "
    "WHERE found @@ to_tsquery('simple', :asked) ORDER BY incident DESC LIMIT :limit",
}
_PLAIN = re.compile(r"\w+")
_EVERY = {"sqlite": (" AND ", '"{}"', '"{}"*'), "postgresql": (" & ", "'{}'", "'{}':*")}


def prepare(db: sa.Connection) -> None:
    for statement in _PREPARE[db.dialect.name]:
        db.execute(sa.text(statement))


def keep(db: sa.Connection, incident: int, text: str) -> None:
    db.execute(sa.text(_DROP[db.dialect.name]), {"incident": incident})
    words = text[:LONGEST].replace("\0", " ")
    db.execute(sa.text(_KEEP[db.dialect.name]), {"incident": incident, "words": words})


def find(db: sa.Connection, words: Sequence[str], limit: int) -> Sequence[int]:
    """Incidents that have any of the words, those that have most and rarest first. In quotes, a
    word is never an operator."""
    asked = " OR ".join('"' + word.replace('"', " ") + '"' for word in words if word.strip())
    if not asked:
        return ()
    rows = db.scalars(sa.text(_FIND[db.dialect.name]), {"asked": asked, "limit": limit})
    return [int(row) for row in rows]


def find_all(db: sa.Connection, words: Sequence[str], limit: int) -> Sequence[int]:
    """Incidents that have all of the words, newest first."""
    plain = [word for word in words if _PLAIN.fullmatch(word)]
    if not plain or len(plain) < len(words):
        return ()
    joint, whole, begun = _EVERY[db.dialect.name]
    asked = joint.join([*map(whole.format, plain[:-1]), begun.format(plain[-1])])
    rows = db.scalars(sa.text(_FIND_ALL[db.dialect.name]), {"asked": asked, "limit": limit})
    return [int(row) for row in rows]
