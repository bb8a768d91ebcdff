"""Releases under test: DWCP_EXPERIMENT names one. Each is a real change that a team might try.

`odd-sizes` asks the source for a page more than a machine has, "so that it has room to grow"; the
source refuses what is not whole MiB.
"""

from collections.abc import Callable

from dwcp.request import Request

PAGE = 4096


def whole(request: Request) -> int:
    return request.size


def with_room_to_grow(request: Request) -> int:
    return request.size + PAGE


EXPERIMENTS: dict[str, Callable[[Request], int]] = {"none": whole, "odd-sizes": with_room_to_grow}
