"""What Slack sends us, signed over HTTP or by its socket: who it is from, whether it came before,
and the answer. What is done about it is in `slack_acts`.

Slack's own framework verifies signatures, knows the shapes of what it sends, and speaks both ways
of sending with one set of listeners. It is loaded when the first request comes.
"""

import asyncio
import contextlib
import hashlib
import importlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from starlette.types import ASGIApp

from playcall.channels.slack_api import SlackApi
from playcall.channels.slack_blocks import escape, render
from playcall.core.chat import Card, Press
from playcall.engine.ports import Unavailable
from playcall.engine.scrub import scrub_card
from playcall.web import slack_acts
from playcall.web.auth import Doorkeeper, Identity
from playcall.web.desk import desk

log = logging.getLogger(__name__)
router = APIRouter()

LARGEST = 1_000_000  # bytes of a request
COMMAND = "/playcall"
AGAIN = timedelta(seconds=5), timedelta(minutes=2)  # until the socket is tried again
STRANGER = (
    "Playcall does not know who you are in Slack, so nothing was done. Ask for a line "
    'slack = "{user}" in your [people] table of its settings.'
)


@dataclass(slots=True, kw_only=True)
class SlackDoor:
    """How Slack reaches us. `people`: by their ids in Slack."""

    token: str = field(repr=False)
    url: str
    people: Mapping[str, str]
    signing_secret: str = field(default="", repr=False)  # empty: nothing is taken by HTTP
    app_token: str = field(default="", repr=False)  # empty: no socket
    _app: Any = None
    _loading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def app(self, web: ASGIApp) -> Any:
        """Bolt's app, with our listeners."""
        async with self._loading:
            if self._app is None:
                await asyncio.to_thread(importlib.import_module, "slack_bolt.async_app")
                self._app = _build(self, web)
        return self._app

    def who(self, user: str, web: Any) -> Identity | None:
        doorkeeper: Doorkeeper = web.state.doorkeeper
        return doorkeeper.people.get(self.people.get(user, ""))

    async def listen(self, web: ASGIApp) -> None:
        """Take what the socket brings, until cancelled; it connects itself again."""
        from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler

        app = await self.app(web)
        wait = AGAIN[0]
        while True:
            handler: Any = AsyncSocketModeHandler(app, self.app_token)
            try:
                await handler.connect_async()
                log.info("Slack's socket is open")
                await asyncio.Event().wait()
            except Exception as error:  # noqa: BLE001  whatever the client raises, pages go on
                log.warning(
                    "Slack's socket cannot be opened (%s). Check slack.app_token_file, and that "
                    "socket mode is on. Trying again.",
                    str(error).partition("\n")[0][:200],
                )
                await asyncio.sleep(wait.total_seconds())
                wait = min(wait * 2, AGAIN[1])
            finally:
                with contextlib.suppress(Exception):
                    await handler.close_async()


@router.post("/slack/events")
async def receive(request: Request) -> Response:
    """Buttons, windows and `/playcall`. Slack's signature is who it is from."""
    door: SlackDoor | None = request.app.state.slack
    if door is None or not door.signing_secret:
        raise HTTPException(404, "Slack is not set up: slack.signing_secret_file")
    if len(await _body(request)) > LARGEST:
        raise HTTPException(413, "this is more than Slack sends")
    app = await door.app(request.app)
    from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler

    try:
        return await AsyncSlackRequestHandler(app).handle(request)
    except (UnicodeDecodeError, ValueError) as error:
        raise HTTPException(400, "this is not what Slack sends") from error


async def _body(request: Request) -> bytes:
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > LARGEST:
        raise HTTPException(413, "this is more than Slack sends")
    return await request.body()


# --- The listeners -------------------------------------------------------------------------------


def _build(door: SlackDoor, web: ASGIApp) -> Any:
    from slack_bolt.async_app import AsyncApp
    from slack_bolt.authorization import AuthorizeResult
    from slack_sdk.web.async_client import AsyncWebClient

    async def authorize(**_: object) -> AuthorizeResult:
        """Without asking Slack who we are: a press must work while its API does not."""
        return AuthorizeResult(enterprise_id=None, team_id=None, bot_token=door.token)

    app = AsyncApp(
        client=AsyncWebClient(base_url=door.url, timeout=10, retry_handlers=[]),
        authorize=authorize,
        signing_secret=door.signing_secret or None,
        logger=log,
    )
    listeners = _Listeners(door=door, web=web, api=SlackApi(door.token, door.url))
    app.use(listeners.refuse_replay)
    app.command(COMMAND)(listeners.on_command)
    for press in Press:
        if press is not Press.REFUSE:
            app.action(press.value)(listeners.on_press)
    app.action(Press.REFUSE.value)(listeners.on_refuse)
    app.view(Press.REFUSE.value)(listeners.on_reason)
    app.action("open")(listeners.on_open)
    return app


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listeners:
    door: SlackDoor
    web: Any
    api: SlackApi

    async def refuse_replay(self, body: Any, next_: Callable[[], Awaitable[Any]]) -> Any:
        """Everything that Slack sends is unlike everything else it ever sent: it has a trigger."""
        from slack_bolt import BoltResponse

        name = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        at = self._desk.clock.now()
        try:
            fresh = await self._desk.store.write(lambda tx: tx.first_time(f"slack/{name}", at))
        except Unavailable as error:
            return BoltResponse(status=200, body=_sentence(f"Not done: try again. {error}"))
        if not fresh:
            return BoltResponse(status=200, body="")
        return await next_()

    async def on_command(self, ack: Any, body: Mapping[str, Any]) -> None:
        user = str(body.get("user_id", ""))
        who = self.door.who(user, self.web)
        if who is None:
            await ack(**_sentence(STRANGER.format(user=user)))
            return
        text = str(body.get("text") or "")
        await ack(**self._words(await slack_acts.answered(self._command(who, text))))

    async def on_press(self, ack: Any, body: Mapping[str, Any], action: Any, respond: Any) -> None:
        await ack()
        who, user = self._sender(body)
        if who is None:
            await self._tell(respond, text=STRANGER.format(user=user))
            return
        pressed = Press(action["action_id"])
        work = slack_acts.press(self._request, who, pressed, str(action.get("value", "")))
        await self._tell(respond, **self._words(await slack_acts.answered(work)))

    async def on_refuse(self, ack: Any, body: Mapping[str, Any], action: Any, respond: Any) -> None:
        """The reason is asked for in a window."""
        await ack()
        who, user = self._sender(body)
        if who is None:
            await self._tell(respond, text=STRANGER.format(user=user))
            return
        view = _window(str(action.get("value", "")))
        try:
            await self.api.call("views.open", trigger_id=body["trigger_id"], view=view)
        except Unavailable as error:
            log.warning("%s", error)
            await self._tell(respond, text="Slack opened no window: refuse on the incident's page.")

    async def on_reason(self, ack: Any, body: Mapping[str, Any], view: Mapping[str, Any]) -> None:
        who, user = self._sender(body)
        reason = str(view["state"]["values"]["reason"]["text"].get("value") or "")
        try:
            if who is None:
                raise HTTPException(403, STRANGER.format(user=user))
            await slack_acts.refuse(self._request, who, str(view["private_metadata"]), reason)
        except HTTPException as error:
            await ack(response_action="errors", errors={"reason": str(error.detail)[:150]})
        except Unavailable as error:
            said = f"Not done: try again. {error}"
            await ack(response_action="errors", errors={"reason": said[:150]})
        else:
            await ack()

    async def on_open(self, ack: Any) -> None:
        await ack()

    # --- what they share

    async def _command(self, who: Identity, text: str) -> Card:
        return await slack_acts.command(self._request, who, text)

    @property
    def _request(self) -> Request:
        """What the acts of the pages and the API find their way by."""
        return Request({"type": "http", "app": self.web, "headers": [], "path": COMMAND})

    @property
    def _desk(self) -> Any:
        return desk(self._request)

    def _sender(self, body: Mapping[str, Any]) -> tuple[Identity | None, str]:
        user = str((body.get("user") or {}).get("id", ""))
        return self.door.who(user, self.web), escape(user, 40)

    def _words(self, card: Card) -> dict[str, Any]:
        hide = self._desk.engine.performer.committer.hide
        text, blocks = render(scrub_card(card, hide))
        return {"text": text, "blocks": blocks}

    async def _tell(self, respond: Any, **words: Any) -> None:
        """To that person alone. What was done is done, whether or not the answer arrives."""
        try:
            await respond(response_type="ephemeral", replace_original=False, **words)
        except Exception as error:  # noqa: BLE001  whatever the client raises
            log.warning("Slack did not take an answer: %s", error)


def _sentence(text: str) -> dict[str, str]:
    return {"response_type": "ephemeral", "text": escape(text, 300)}


def _window(value: str) -> dict[str, Any]:
    number, command = (*value.split("|"), "", "")[:2]
    return {
        "type": "modal",
        "callback_id": Press.REFUSE.value,
        "private_metadata": value[:3000],
        "title": {"type": "plain_text", "text": "Refuse"},
        "submit": {"type": "plain_text", "text": "Refuse"},
        "close": {"type": "plain_text", "text": "Back"},
        "blocks": [
            {
                "type": "input",
                "block_id": "reason",
                "label": {
                    "type": "plain_text",
                    "text": f"Why is command {command} of incident {number} refused?"[:150],
                },
                "element": {
                    "type": "plain_text_input",
                    "action_id": "text",
                    "multiline": True,
                    "max_length": 1000,
                },
            }
        ],
    }
