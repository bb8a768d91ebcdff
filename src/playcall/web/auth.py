"""Who is asking: API tokens, sessions in a signed cookie, and sign-in links that work once.

Nothing answers without an identity, except the sign-in page itself. Tokens are compared by hash.
"""

import hashlib
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from playcall.core.access import Access
from playcall.settings import hash_token

COOKIE = "playcall_session"
SESSION_SECONDS = 14 * 24 * 3600
LINK_SECONDS = 24 * 3600
FIRST_PERSON = "administrator"  # who the first-run link signs in, before anybody has a token


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person who was recognised; `id` goes on the record."""

    id: str
    name: str
    access: Access


@dataclass(frozen=True, slots=True, kw_only=True)
class Doorkeeper:
    """Recognises people and Alertmanagers."""

    people: Mapping[str, Identity]
    tokens: Mapping[str, str]  # hashed token -> person
    intake_tokens: frozenset[str]  # hashed
    key: bytes = field(repr=False)  # signs sessions
    links: "Links"

    def by_token(self, token: str) -> Identity | None:
        person = self.tokens.get(hash_token(token))
        return self.people.get(person) if person else None

    def by_session(self, cookie: str) -> Identity | None:
        try:
            person = self._signer().loads(cookie, max_age=SESSION_SECONDS)
        except BadSignature:
            return None
        return self.people.get(person)

    def session_for(self, identity: Identity) -> str:
        return self._signer().dumps(identity.id)

    def admits_intake(self, token: str) -> bool:
        return hash_token(token) in self.intake_tokens

    def _signer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.key, salt="session")


@dataclass(frozen=True, slots=True)
class Links:
    """Sign-in links: one file for each, named by its hash; using one removes it."""

    directory: Path

    def make(self, person: str) -> str:
        code = secrets.token_urlsafe(32)
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path(code).write_text(person, "utf-8")
        return code

    def use(self, code: str) -> str | None:
        """The person a code was made for; None when it is unknown, used or too old."""
        path = self._path(code)
        try:
            fresh = time.time() - path.stat().st_mtime < LINK_SECONDS
            person = path.read_text("utf-8")
            path.unlink()
        except FileNotFoundError:
            return None
        return person if fresh else None

    def peek(self, code: str) -> bool:
        return self._path(code).exists()

    def _path(self, code: str) -> Path:
        return self.directory / hashlib.sha256(code.encode()).hexdigest()


def secret_key(data: Path) -> tuple[bytes, bool]:
    """The installation's key, made at the first run; the flag says whether it was made now."""
    path = data / "secret.key"
    data.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(secrets.token_hex(32).encode())
    except FileExistsError:
        return path.read_bytes(), False
    return path.read_bytes(), True


def identify(request: Request) -> Identity:
    """Who is asking, by bearer token or session. Raises 401; a page is sent to sign in instead."""
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        found = doorkeeper.by_token(token.strip())
        if found is None:
            raise HTTPException(401, "this token is not known; ask for one: `playcall token`")
        return found
    found = doorkeeper.by_session(request.cookies.get(COOKIE, ""))
    if found is None:
        raise HTTPException(401, "sign in first, or send a token: Authorization: Bearer ...")
    refuse_foreign_form(request)
    return found


def refuse_foreign_form(request: Request) -> None:
    """A cookie alone does not prove that the person meant it: the form must come from our pages."""
    if request.method in ("GET", "HEAD"):
        return
    origin = request.headers.get("origin") or request.headers.get("referer", "")
    host = request.headers.get("host", "")
    if origin.split("://")[-1].split("/")[0] != host:
        raise HTTPException(403, "this request came from another site and was not carried out")


class Needs:
    """A dependency: an identity with at least this access, or 403."""

    def __init__(self, access: Access) -> None:
        self.access = access

    def __call__(self, identity: Annotated[Identity, Depends(identify)]) -> Identity:
        if not identity.access.allows(self.access):
            raise HTTPException(
                403, f"{identity.name} is a {identity.access}; this needs a {self.access}"
            )
        return identity


Viewer = Annotated[Identity, Depends(Needs(Access.VIEWER))]
Responder = Annotated[Identity, Depends(Needs(Access.RESPONDER))]
Commander = Annotated[Identity, Depends(Needs(Access.COMMANDER))]
