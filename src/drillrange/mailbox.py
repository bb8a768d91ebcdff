"""A mail server for demos and drills: takes every message on loopback and keeps it as a file."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class _Keeper:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content or b""
        data = content if isinstance(content, bytes) else content.encode()
        name = f"{datetime.now(UTC):%H%M%S.%f}-{envelope.rcpt_tos[0].split('@')[0]}.eml"
        (self._directory / name).write_bytes(data)
        return "250 kept"


@contextlib.contextmanager
def keep_mail(directory: Path, port: int) -> Iterator[None]:
    """Listen on 127.0.0.1 while the context lasts; `directory` is made."""
    directory.mkdir(parents=True, exist_ok=True)
    controller = Controller(_Keeper(directory), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield
    finally:
        controller.stop()
