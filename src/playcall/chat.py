"""Builds what shows incidents in the team's chat and takes what comes back, as the settings say."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping

from starlette.types import ASGIApp

from playcall.channels.slack_api import SlackApi
from playcall.channels.slack_chat import SlackChat, SlackRooms
from playcall.core.chat import Place, places
from playcall.core.communication import Channel
from playcall.core.plan import Plan
from playcall.engine.commit import Committer
from playcall.engine.mirror import Mirror
from playcall.engine.ports import Clock, Store
from playcall.engine.rooms import RoomKeeper
from playcall.engine.shift_talk import ShiftTalk
from playcall.settings import Settings
from playcall.web.slack import SlackDoor


def build_mirror(
    settings: Settings, plan: Plan, store: Store, committer: Committer, clock: Clock, owner: str
) -> Mirror | None:
    """None: there is no Slack. It may still have nothing to show, and then makes channels only."""
    if settings.slack is None:
        return None
    api = SlackApi(settings.secrets["slack.token"], settings.slack.url)
    addresses = {name: one.slack for name, one in settings.people.items() if one.slack}
    rooms = RoomKeeper(
        store=store,
        committer=committer,
        clock=clock,
        rooms=SlackRooms(api),
        addresses=addresses,
    )
    return Mirror(
        store=store,
        committer=committer,
        clock=clock,
        chat=SlackChat(api),
        channels=bound(plan.channels, settings.slack.channels),
        owner=owner,
        rooms=rooms if settings.slack.per_incident else None,
        shifts=ShiftTalk(store=store, directory=committer.directory, clock=clock, url=settings.url),
        warn=lambda text: print(text, flush=True),
    )


def bound(channels: Iterable[Channel], names: Mapping[str, str]) -> dict[Place, str]:
    """What each of the document's channels is called in the chat: the same, unless it is bound."""
    given = {name.strip().removeprefix("#").lower(): real for name, real in names.items()}
    return {
        place: given.get(channel.name.removeprefix("#").lower(), channel.name)
        for place, channel in places(channels).items()
    }


def build_door(settings: Settings) -> SlackDoor | None:
    if settings.slack is None:
        return None
    ids = [one.slack for one in settings.people.values() if one.slack]
    return SlackDoor(
        token=settings.secrets["slack.token"],
        url=settings.slack.url,
        # An id that two have would act as either.
        people={one.slack: n for n, one in settings.people.items() if ids.count(one.slack) == 1},
        signing_secret=settings.secrets.get("slack.signing_secret", ""),
        app_token=settings.secrets.get("slack.app_token", ""),
    )


@contextlib.asynccontextmanager
async def listening(door: SlackDoor | None, web: ASGIApp) -> AsyncIterator[None]:
    """With Slack's socket open, where the settings have one."""
    if door is None or not door.app_token:
        yield
        return
    task = asyncio.create_task(door.listen(web))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
