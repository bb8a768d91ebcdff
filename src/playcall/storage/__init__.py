"""Keeps what must not be lost, in SQLite or PostgreSQL: one set of queries, one suite for both."""

from playcall.storage.database import AlreadyInUse, Database

__all__ = ["AlreadyInUse", "Database"]
