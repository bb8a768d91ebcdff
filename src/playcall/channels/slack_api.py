"""Asks Slack's Web API with Slack's own client, and says what went wrong in words for a person.

Never retries: what must not be lost is in the outbox or told anew from the state.
"""

import asyncio
import importlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from playcall.engine.chat import ChannelGone, NotTaken
from playcall.engine.ports import Unavailable

# What to do about an error that trying again cannot help.
_TOKEN = "Install the app again and renew the file that slack.token_file names."
REMEDIES: Mapping[str, str] = {
    "invalid_auth": _TOKEN,
    "not_authed": _TOKEN,
    "token_revoked": _TOKEN,
    "token_expired": _TOKEN,
    "account_inactive": f"The app's user was removed. {_TOKEN}",
    "not_allowed_token_type": "slack.token_file must hold the bot's token, xoxb-...",
    "missing_scope": "Add the scopes of docs/channels.md to the app, and install it again.",
    "no_permission": "Add the scopes of docs/channels.md to the app, and install it again.",
    "restricted_action": "Let the app do this in the workspace's settings.",
    "team_access_not_granted": "Install the app in this workspace.",
    "ekm_access_denied": "Ask the workspace's administrators.",
    "user_not_found": "Correct their `slack` in [people].",
    "user_disabled": "They were removed from Slack: correct [people].",
    "user_is_bot": "Correct their `slack` in [people]: it is an app's.",
    "cannot_dm_bot": "Correct their `slack` in [people]: it is an app's.",
    "users_not_found": "Correct their `slack` in [people].",
}
_GONE: Mapping[str, str] = {  # channels
    "channel_not_found": "it is not there, or private: was it renamed? Bind it in "
    "[slack.channels], and invite the app with /invite",
    "not_in_channel": "the app is not in it: invite it with /invite",
    "is_archived": "it is archived: unarchive it, or bind another one in [slack.channels]",
    "posting_to_general_channel_denied": "the app may not post there",
    "restricted_action_read_only_channel": "the app may not post there",
}
_NOT_TAKEN = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_too_long",
        "msg_blocks_too_long",
        "no_text",
        "message_not_found",
        "thread_not_found",
        "cant_update_message",
        "edit_window_closed",
        "user_is_restricted",
        "user_is_ultra_restricted",
        "cant_invite",
        "cant_invite_self",
        "too_many_bookmarks",
        "invalid_link",
        "already_archived",
        "cant_archive_general",
        "method_not_supported_for_channel_type",
        "user_not_found",
        "users_not_found",
        "user_disabled",
    }
)
PASSING = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
LONGEST_WAIT = timedelta(hours=1)  # however long Slack asks for
LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})


class SlackRefused(Unavailable):
    """Slack answered, and did not do it; `code` is its own word for why."""

    def __init__(self, what: str, code: str) -> None:
        super().__init__(what, permanent=code not in PASSING)
        self.code = code


class SlackApi:
    """`timeout` covers a call as a whole. The client is loaded with the first one."""

    def __init__(self, token: str, url: str, timeout: timedelta = timedelta(seconds=10)) -> None:
        self._token = token
        self._url = url if url.endswith("/") else f"{url}/"
        self._timeout = timeout
        self._client: Any = None

    async def client(self) -> Any:
        """Slack's own client."""
        if self._client is None:  # loading takes a moment, in which the engine goes on
            module = await asyncio.to_thread(importlib.import_module, "slack_sdk.web.async_client")
            self._client = module.AsyncWebClient(
                token=self._token,
                base_url=self._url,
                timeout=int(self._timeout.total_seconds()) or 1,
                retry_handlers=[],
            )
        return self._client

    async def call(self, method: str, **arguments: object) -> Mapping[str, Any]:
        """Slack's answer. Raises SlackRefused, ChannelGone and NotTaken where a channel or the
        content is meant, Unavailable for everything else."""
        import aiohttp
        from slack_sdk.errors import SlackApiError, SlackClientError

        client = await self.client()
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                answer = await client.api_call(method, data=_form(arguments))
        except SlackApiError as error:
            raise _refusal(method, error.response, arguments) from error
        except TimeoutError as error:
            seconds = f"{self._timeout.total_seconds():g}"
            raise Unavailable(f"Slack did not answer {method} within {seconds} s.") from error
        except (SlackClientError, aiohttp.ClientError, OSError, ValueError) as error:
            reason = str(error).partition("\n")[0][:200] or type(error).__name__
            raise Unavailable(f"Slack cannot be reached for {method}: {reason}.") from error
        data = answer.data
        if not isinstance(data, dict):
            raise Unavailable(f"Slack's answer to {method} is not one.")
        return data


def _form(arguments: Mapping[str, object]) -> dict[str, str]:
    """As every method takes it: nested values are JSON."""
    return {
        key: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for key, value in arguments.items()
        if value is not None
    }


def _refusal(method: str, response: Any, arguments: Mapping[str, object]) -> Unavailable:
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0))
    headers: Mapping[str, str] = getattr(response, "headers", {})
    found = getattr(response, "data", None)
    data: Mapping[str, Any] = found if isinstance(found, dict) else {}
    code = str(data.get("error", ""))[:80]
    if status == 429 or code in LIMITED:
        wait = _wait(headers)
        return Unavailable(f"Slack asks for patience at {method}.", retry_after=wait)
    if not code or status >= 500:
        return Unavailable(f"Slack's answer to {method} is not one ({status}).")
    channel = str(arguments.get("channel", ""))
    if code in _GONE and channel:
        return ChannelGone(f"Slack channel {channel}: {_GONE[code]} ({code}).", channel)
    if code in _NOT_TAKEN:
        return NotTaken(f"Slack refused {method}: {code}.{_mend(code)}", permanent=True)
    needed = f", it needs {data['needed']}" if data.get("needed") else ""
    return SlackRefused(f"Slack refused {method}: {code}{needed}.{_mend(code)}", code)


def _mend(code: str) -> str:
    return f" {REMEDIES[code]}" if code in REMEDIES else ""


def _wait(headers: Mapping[str, str]) -> timedelta:
    said = headers.get("Retry-After") or headers.get("retry-after") or ""
    seconds = int(said) if said.isdecimal() and len(said) < 9 else 30
    return min(timedelta(seconds=max(seconds, 1)), LONGEST_WAIT)
