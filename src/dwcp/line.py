"""The source's control connection to a destination: one line of JSON out, one back."""

import contextlib
import json
import socket
from collections.abc import Iterable
from typing import Any, NamedTuple

from dwcp.environment import Address
from dwcp.wire import CONTROL_HELLO

ANSWER_SECONDS = 60.0
LONGEST_LINE = 1 << 20


class NoRoom(Exception):
    """The destination has not the memory for an image of this size: its host, or what its operator
    set aside for machines. `kind` is `no_room` or `no_capacity`."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Closed(NamedTuple):
    """How a round's chunks fared."""

    rejected: set[int]  # arrived damaged
    lost: set[int]  # never arrived: the destination has cut all streams
    key: bytes  # for new streams
    refused: bool  # the destination took no frames as large as those


class Line:
    """Every method raises OSError when the destination is gone or answers with something else."""

    def __init__(self, destination: Address, seconds: float = ANSWER_SECONDS) -> None:
        self._socket = socket.create_connection(destination, timeout=seconds)
        self._socket.sendall(CONTROL_HELLO)
        self._lines = self._socket.makefile("rwb")

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._lines.close()
        self._socket.close()

    def cut(self) -> None:
        """From another thread: whoever waits for an answer fails at once."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def ping(self) -> str:
        """The destination's name."""
        return str(self._ask("node", op="ping"))

    def prepare(self, size: int) -> None:
        self._ask("node", op="prepare", size=size)

    def begin(self, size: int, streams: int) -> tuple[bytes, str] | None:
        """The session and its node; None while the destination has another image. Raises NoRoom."""
        answer = self._send(op="begin", size=size, streams=streams)
        if answer.get("no_room"):
            raise NoRoom("no_capacity" if answer.get("kind") == "no_capacity" else "no_room")
        if answer.get("busy"):
            return None
        try:
            return bytes.fromhex(answer["session"]), str(answer["node"])
        except (KeyError, TypeError, ValueError) as error:
            raise ConnectionError("the destination began no session") from error

    def resume(self, session: bytes) -> tuple[set[int], bytes] | None:
        """The chunks of the round that broke off which had arrived whole, and the key for new
        streams; None: no such session."""
        answer = self._send(op="resume", session=session.hex())
        if answer.get("unknown"):
            return None
        return _chunks(answer.get("verified")), _key(answer)

    def open_round(self, number: int) -> None:
        self._send(op="open", round=number)

    def close_round(self, chunks: Iterable[int], in_a_hurry: bool = False) -> Closed:
        """How these chunks fared. In a hurry the destination does not wait long for what may not
        come."""
        answer = self._send(op="close", chunks=sorted(chunks), hurry=in_a_hurry)
        return Closed(
            rejected=_chunks(answer.get("rejected")),
            lost=_chunks(answer.get("lost")),
            key=_key(answer),
            refused=bool(answer.get("refused")),
        )

    def expose(self, key: bytes) -> str | None:
        """Where on this host the memory of the image lies that has this key; None: nowhere that
        others can write it."""
        answer = self._send(op="expose", key=key.hex())
        if "memory" not in answer:
            raise ConnectionError("the destination does not say where its memory is")
        return None if answer["memory"] is None else str(answer["memory"])

    def placed(self, key: bytes, number: int, chunks: list[int]) -> None:
        """These chunks were written into the destination's memory, in this round."""
        if self._send(op="placed", key=key.hex(), round=number, chunks=chunks).get("unknown"):
            raise ConnectionError("the destination no longer has the image")

    def sums(self, chunks: list[int]) -> list[str]:
        """xxh3_64 of whole chunks, as the destination has them."""
        found = self._ask("sums", op="sums", chunks=chunks)
        if not isinstance(found, list) or len(found) != len(chunks):
            raise ConnectionError("the destination did not sum the chunks it was asked for")
        return [str(each) for each in found]

    def ask_digest(self) -> None:
        """Returns at once; `read_digest` waits."""
        self._write({"op": "digest"})

    def read_digest(self) -> str:
        return str(self._read().get("digest"))

    def done(self) -> None:
        self._send(op="done")

    def _ask(self, key: str, **message: object) -> object:
        answer = self._send(**message)
        if key not in answer:
            raise ConnectionError(f"the destination's answer has no {key}")
        return answer[key]

    def _send(self, **message: object) -> dict[str, Any]:
        self._write(message)
        return self._read()

    def _write(self, message: dict[str, object]) -> None:
        self._lines.write(json.dumps(message).encode() + b"\n")
        self._lines.flush()

    def _read(self) -> dict[str, Any]:
        line = self._lines.readline(LONGEST_LINE)
        if not line:
            raise ConnectionResetError("the destination closed the line")
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise ConnectionError("the destination does not speak JSON") from error
        if not isinstance(answer, dict):
            raise ConnectionError("the destination answered with something else")
        return answer


def _chunks(found: object) -> set[int]:
    if isinstance(found, list) and all(isinstance(chunk, int) for chunk in found):
        return set(found)
    raise ConnectionError("the destination named no chunks")


def _key(answer: dict[str, Any]) -> bytes:
    try:
        return bytes.fromhex(answer["key"])
    except (KeyError, TypeError, ValueError) as error:
        raise ConnectionError("the destination gave no key") from error
