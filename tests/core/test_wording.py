"""The words of a page: where people meet is in it, when a link is set."""

from dataclasses import replace

import pytest

from playcall.core.effects import Page
from playcall.core.notices import compose
from playcall.core.response import ResponsePolicy
from playcall.testing import NOON, a_plan
from tests.core.responding import opened


@pytest.mark.parametrize("link", ["", "https://meet.example/room-{incident}"])
def test_the_war_room_is_in_every_message(link: str) -> None:
    plan = replace(a_plan(), response=ResponsePolicy(war_room=link))
    page = Page(role="CTO", rung=0, reason="fired")
    message = compose(opened(incident=7), page, plan, NOON, [], "http://x")
    assert ("War room: https://meet.example/room-7" in message.body.splitlines()) is bool(link)
    assert ("War room" in message.body) is bool(link)
