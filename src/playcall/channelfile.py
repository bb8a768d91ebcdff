"""The tables of the settings file about channels and the people they reach, and what is wrong in
them. `CHANNELS` declares each way to reach a person once: its name, and what it needs."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from playcall import rotafile
from playcall.core.access import Access
from playcall.rotafile import RuleTable

TLS = ("none", "starttls", "implicit")


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; an unknown key is a mistake, not a wish."""


class MailTable(_Table, frozen=True):
    host: str
    sender: str
    port: int = 25
    username: str = ""
    password_file: str = ""
    tls: str = "none"


class WebhookTable(_Table, frozen=True):
    secret_file: str


class SlackTable(_Table, frozen=True):
    token_file: str  # of the bot: xoxb-...
    signing_secret_file: str = ""  # what Slack posts to us is signed with it
    app_token_file: str = ""  # xapp-...: socket mode, for servers that Slack cannot reach
    channels: Mapping[str, str] = {}  # the document's name of a channel -> Slack's id or name
    per_incident: bool = True  # a channel for each incident that wakes somebody
    url: str = "https://slack.com/api/"


class TwilioTable(_Table, frozen=True):
    account: str  # AC...
    token_file: str
    sender: str  # the number that calls and writes, as +4930...
    url: str = ""  # default Twilio's own


class PushTable(_Table, frozen=True):
    contact: str  # whom the push services may ask: mailto:ops@example.org


class AppriseTable(_Table, frozen=True):
    """Nothing to set: the table alone turns it on."""


class PagerDutyTable(_Table, frozen=True):
    routing_key_file: str
    url: str = "https://events.pagerduty.com"


class OpsgenieTable(_Table, frozen=True):
    key_file: str
    url: str = "https://api.opsgenie.com"


class PersonTable(_Table, frozen=True):
    name: str
    access: Access = Access.RESPONDER
    tokens: tuple[str, ...] = ()  # "sha256:..." of each API token
    mail: str = ""
    webhook: str = ""
    slack: str = ""  # their id in Slack: U0...
    sms: str = ""  # a number, as +4930...
    voice: str = ""  # a number that is called
    push: bool = True  # to the devices on which they allowed it
    apprise: str = ""  # an address as Apprise writes it: ntfy://, msteams://, tgram://, ...
    methods: tuple[str, ...] = ()  # the order to try; default: that of the channels
    zone: str = ""  # of the hours in `rules`
    rules: tuple[RuleTable, ...] = ()  # how a page reaches them, instead of the order


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a channel needs to reach somebody."""

    table: str  # of the settings, without which it is not there
    address: re.Pattern[str]
    example: str


_NUMBER = Needs(table="twilio", address=re.compile(r"\+[1-9]\d{6,14}"), example="+4930123456")
_ANY = re.compile(r"\S(.*\S)?")
CHANNELS: Mapping[str, Needs] = {  # in the order in which they are tried
    "mail": Needs(table="mail", address=_ANY, example="ada@example.org"),
    "webhook": Needs(table="webhook", address=_ANY, example="https://host/path"),
    "slack": Needs(table="slack", address=re.compile(r"[UW][A-Z0-9]{2,}"), example="U012AB3CD"),
    "sms": _NUMBER,
    "voice": _NUMBER,
    "push": Needs(table="push", address=_ANY, example=""),
    "apprise": Needs(
        table="apprise",
        address=re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE),
        example="ntfy://ntfy.sh/topic",
    ),
}


def addresses(name: str, person: PersonTable, tables: frozenset[str]) -> dict[str, str]:
    """Each channel that reaches the person, and their address in it, in the order to try them.
    `tables`: the settings' tables that are there."""
    known = {
        "mail": person.mail,
        "webhook": person.webhook,
        "slack": person.slack,
        "sms": person.sms,
        "voice": person.voice,
        "push": name if person.push else "",
        "apprise": person.apprise,
    }
    order = person.methods or tuple(CHANNELS)
    return {c: known[c] for c in order if known.get(c) and CHANNELS[c].table in tables}


def channel_mistakes(
    mail: MailTable | None, twilio: TwilioTable | None, push: PushTable | None
) -> Iterator[str]:
    if mail and mail.tls not in TLS:
        yield f'mail.tls: "{mail.tls}" is not one of {", ".join(TLS)}.'
    if twilio and not _NUMBER.address.fullmatch(twilio.sender):
        yield f'twilio.sender: "{twilio.sender}" is not a number. Write it as {_NUMBER.example}.'
    if push and not re.fullmatch(r"(mailto:\S+@\S+|https://\S+)", push.contact):
        yield f'push.contact: "{push.contact}" is not a contact. Write mailto:ops@example.org.'


def person_mistakes(name: str, person: PersonTable, tables: frozenset[str]) -> Iterator[str]:
    key = f"people.{name}"
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        yield f"{key}: use lower-case letters, digits, dots and dashes."
    yield from _address_mistakes(key, person, tables)
    yield from (
        f'{key}.methods: "{method}" is not one of {", ".join(CHANNELS)}.'
        for method in person.methods
        if method not in CHANNELS
    )
    anyway = msgspec.structs.replace(person, methods=())
    reached = addresses(name, anyway, frozenset(needs.table for needs in CHANNELS.values()))
    yield from rotafile.rule_mistakes(name, person.rules, person.zone, reached, tuple(CHANNELS))


def _address_mistakes(key: str, person: PersonTable, tables: frozenset[str]) -> Iterator[str]:
    for channel, needs in CHANNELS.items():
        address = getattr(person, channel)
        if not address or channel == "push":
            continue
        if needs.table not in tables:
            yield f"{key}.{channel}: there is no [{needs.table}] table to send it with."
        if not needs.address.fullmatch(address):
            yield (
                f"{key}.{channel}: {address[:80]!r} is not an address for it. "
                f"Write one as {needs.example}."
            )
