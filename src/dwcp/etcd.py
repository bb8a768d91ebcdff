"""A client for etcd's JSON gateway: a linearizable read, a compare-and-put, a lease. It tries one
member after the other within its timeout; it never tells what an unanswered request did.
"""

import http.client
import json
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from dwcp.environment import Address

T = TypeVar("T")
NOT_ETCD = (ValueError, LookupError, TypeError, AttributeError)  # what other answers lead to
NEVER = -1  # no key has this revision
NOT_FOUND = 5  # gRPC's code: here only ever a lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a key held, and the revision of etcd that put it there."""

    value: bytes
    revision: int


class Unavailable(Exception):
    """No member answered in time. Whether the request was carried out is unknown."""


class LeaseGone(Unavailable):
    """The lease that was named has ended. Nothing was put."""


class Etcd:
    """Safe to use from several threads."""

    def __init__(self, endpoints: Sequence[Address], timeout: float) -> None:
        self._endpoints = tuple(endpoints)
        self._timeout = timeout
        self._good = 0  # the member that answered last

    def read(self, key: str) -> Held | None:
        """Linearizable. Asked as a change that never holds: after an outage etcd 3.4 may leave its
        own kind of read unanswered for seconds, and all later ones with it."""
        return self.put_if(key, NEVER, b"")[1]

    def put_if(
        self, key: str, revision: int, value: bytes, lease: int = 0
    ) -> tuple[bool, Held | None]:
        """Put when `revision` is still that of the key (0: there is no such key), all at once.
        Whether it was, and what the key holds now. May be asked again after Unavailable: it is
        carried out at most once."""
        compare = {"key": _coded(key), "target": "MOD", "mod_revision": str(revision)}
        put = {"key": _coded(key), "value": b64encode(value).decode(), "lease": str(lease)}
        transaction = {
            "compare": [compare],
            "success": [{"request_put": put}],
            "failure": [{"request_range": {"key": _coded(key)}}],
        }
        return self._call("/v3/kv/txn", transaction, lambda answer: _outcome(answer, value))

    def lease(self, seconds: int) -> int:
        """A lease's number; keys that were put under it vanish when it ends."""
        return self._call(
            "/v3/lease/grant", {"TTL": str(seconds)}, lambda answer: int(answer["ID"])
        )

    def _call(self, path: str, body: dict[str, Any], read: Callable[[dict[str, Any]], T]) -> T:
        deadline = time.monotonic() + self._timeout
        trouble = "there is no endpoint"
        first, count = self._good, len(self._endpoints)
        for turn in range(count):
            at = (first + turn) % count
            left = deadline - time.monotonic()
            if left <= 0:
                break
            try:
                answer = read(_post(self._endpoints[at], path, body, left / (count - turn)))
            except (OSError, http.client.HTTPException, *NOT_ETCD) as error:
                trouble = "{}:{}: {!r}".format(*self._endpoints[at], error)
                continue
            self._good = at
            return answer
        raise Unavailable(f"no answer from etcd within {self._timeout:g} s; {trouble}")


def _post(member: Address, path: str, body: dict[str, Any], seconds: float) -> dict[str, Any]:
    connection = http.client.HTTPConnection(*member, timeout=seconds)
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
    finally:
        connection.close()
    if not isinstance(answer, dict):
        raise ValueError("it answered with something else")
    if response.status != 200:
        if answer.get("code") == NOT_FOUND:
            raise LeaseGone(str(answer.get("error")))
        raise ValueError(f"{response.status} {answer.get('error')}")
    return answer


def _outcome(answer: dict[str, Any], value: bytes) -> tuple[bool, Held | None]:
    if answer.get("succeeded"):
        return True, Held(value=value, revision=int(answer["header"]["revision"]))
    found = answer["responses"][0]["response_range"].get("kvs")
    return False, _held(found[0]) if found else None


def _coded(text: str) -> str:
    return b64encode(text.encode()).decode()


def _held(kv: dict[str, str]) -> Held:
    return Held(value=b64decode(kv.get("value", "")), revision=int(kv["mod_revision"]))
