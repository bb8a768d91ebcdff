"""What is asked of the service, of a source and of version 1: a machine to be moved."""

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from dwcp import environment
from dwcp.environment import Address
from dwcp.streams import LARGEST
from dwcp.wire import CHUNK

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
ID_TAKES = "1 to 100 of A-Z a-z 0-9 . _ -, a letter or digit first"
T = TypeVar("T")
Transport = Literal["tcp", "shm"]


class BadRequest(ValueError):
    """Says which fields are wrong, what they hold and what they take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    id: str
    size: int
    room: int  # of the largest image that will be asked for
    zero_share: float
    seed: int  # of what the guest writes
    idle: bool  # the guest writes nothing
    destination: Address | None  # None: the source's own
    transport: Transport

    def asked(self) -> dict[str, Any]:
        """What a customer said, to be handed on; where it goes and how is others' affair."""
        return {
            "id": self.id,
            "size": self.size,
            "room": self.room,
            "zero_share": self.zero_share,
            "seed": self.seed,
            "idle": self.idle,
        }


def read_id(text: str) -> str:
    """Raises BadRequest."""
    if not ID.fullmatch(text):
        raise BadRequest(f"id is {text[:60]!r}; it takes {ID_TAKES}")
    return text


def parse(body: bytes) -> Request:
    """Raises BadRequest, which names everything that is wrong."""
    try:
        found = json.loads(body)
    except (RecursionError, ValueError) as error:
        raise BadRequest("the body is not JSON") from error
    if not isinstance(found, dict):
        raise BadRequest('the body is no object; it takes {"id": text, "size": bytes}')
    fields = _Fields(found)
    size = fields.size("size", None)
    request = Request(
        id=fields.id(),
        size=size,
        room=max(size, fields.size("room", size)),
        zero_share=fields.share("zero_share", 0.7),
        seed=fields.seed("seed", 1),
        idle=fields.flag("idle"),
        destination=fields.address("destination"),
        transport=fields.transport(),
    )
    if fields.wrong:
        raise BadRequest("; ".join(fields.wrong))
    return request


class _Fields:
    """Reads fields, and collects what is wrong with them."""

    def __init__(self, found: dict[str, Any]) -> None:
        self._found = found
        self.wrong: list[str] = []

    def id(self) -> str:
        value = self._found.get("id")
        if isinstance(value, str) and ID.fullmatch(value):
            return value
        return self._refuse("id", ID_TAKES, "?")

    def size(self, name: str, default: int | None) -> int:
        value = self._found.get(name, default)
        if type(value) is int and CHUNK <= value <= LARGEST and not value % CHUNK:
            return value
        return self._refuse(name, "a number of bytes: whole MiB, up to 64 GiB", CHUNK)

    def share(self, name: str, default: float) -> float:
        value = self._found.get(name, default)
        if type(value) in (int, float) and math.isfinite(value) and 0 <= value <= 1:
            return float(value)
        return self._refuse(name, "a number from 0 to 1", default)

    def seed(self, name: str, default: int) -> int:
        value = self._found.get(name, default)
        if type(value) is int and abs(value) < 1 << 63:
            return value
        return self._refuse(name, "a whole number", default)

    def flag(self, name: str) -> bool:
        value = self._found.get(name, False)
        return value if isinstance(value, bool) else self._refuse(name, "true or false", False)

    def address(self, name: str) -> Address | None:
        value = self._found.get(name)
        if value is None:
            return None
        try:
            return environment.parse_address(str(value))
        except ValueError:
            return self._refuse(name, "an address such as 127.0.0.1:9100", None)

    def transport(self) -> Transport:
        value = self._found.get("transport", "tcp")
        match value:
            case "tcp":
                return "tcp"
            case "shm":
                return "shm"
        return self._refuse("transport", "tcp or shm", "tcp")

    def _refuse(self, name: str, takes: str, otherwise: T) -> T:
        if name in self._found:
            shown = json.dumps(self._found[name])[:60]
            self.wrong.append(f"{name} is {shown}; it takes {takes}")
        else:
            self.wrong.append(f"{name} is missing; it takes {takes}")
        return otherwise
