"""Loopback addresses of one cluster: a /24 of its own, from which pods and services get theirs.

All of 127.0.0.0/8 is this machine (RFC 1122, 3.2.1.3; Linux binds any of it), so every pod has the
ports it wants.
"""

import random
import socket
from collections import deque
from typing import Self

from drillrange.processes import NotReady

TRIES = 50
OWN = 1  # the last number of the API server's address


class Exhausted(Exception):
    """No address is left."""


class Addresses:
    """`own` is the cluster's own; the others are given out, the longest unused first."""

    def __init__(self, prefix: str) -> None:
        self.own = f"{prefix}.{OWN}"
        self._free = deque(f"{prefix}.{number}" for number in range(OWN + 1, 255))

    @classmethod
    def claim(cls) -> tuple[Self, socket.socket]:
        """A part that no other cluster has, and the socket that claims it. Raises NotReady."""
        for _ in range(TRIES):
            made = cls(f"127.{random.randrange(1, 255)}.{random.randrange(256)}")
            try:
                return made, socket.create_server((made.own, 6443))
            except OSError as error:
                said = error
        raise NotReady(f"no loopback addresses are to be had: {said}")

    def take(self) -> str:
        """Raises Exhausted."""
        if not self._free:
            raise Exhausted("the cluster's addresses are used up")
        return self._free.popleft()

    def take_this(self, address: str) -> bool:
        """False when it is not to be had."""
        if address not in self._free:
            return False
        self._free.remove(address)
        return True

    def give_back(self, address: str) -> None:
        self._free.append(address)
