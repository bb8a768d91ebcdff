"""The overrides that a running server keeps, for a command that foresees by files."""

import argparse
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from playcall.cli import remote

if TYPE_CHECKING:
    from playcall.core.rota import Override


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--overrides", action="store_true", help="with those that a server keeps; so does --url"
    )
    remote.add_server_arguments(parser)


def kept(args: argparse.Namespace) -> "tuple[Override, ...] | None":
    """The last one made last; None when nobody asked for them. Raises Declined."""
    from playcall.core.rota import Override, StoredOverride, in_force

    if not (args.overrides or args.url):
        return None
    try:
        stored = [
            StoredOverride(
                id=one["id"],
                asked=Override(
                    schedule=one["schedule"],
                    person=one["person"],
                    starts_at=datetime.fromisoformat(one["starts_at"]),
                    ends_at=datetime.fromisoformat(one["ends_at"]),
                ),
                made_by=one["made_by"],
                made_at=datetime.fromisoformat(one["made_at"]),
                removed_by=one["removed_by"],
                removed_at=datetime.fromisoformat(one["removed_at"]) if one["removed_at"] else None,
            )
            for one in remote.ask(args, "/overrides?past=true").json()
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise remote.Declined(f"The server's overrides cannot be read: {error!r}") from None
    return in_force(stored)


def within(overrides: "tuple[Override, ...]", at: datetime, lasting: timedelta) -> "list[Override]":
    return [one for one in overrides if one.starts_at < at + lasting and one.ends_at > at]


def line(override: "Override") -> str:
    """'first: bob from 2026-03-01 09:00 until 2026-03-01 17:00 UTC'."""
    starts, ends = (f"{at:%Y-%m-%d %H:%M}" for at in (override.starts_at, override.ends_at))
    return f"{override.schedule}: {override.person} from {starts} until {ends} UTC"
