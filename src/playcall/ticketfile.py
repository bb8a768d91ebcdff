"""The table of the settings file about tickets of action items, and what is wrong in it."""

import re
from collections.abc import Collection, Iterator, Mapping

import msgspec

from playcall.responsefile import read_duration

# What a project is called, and how to write one.
KINDS: Mapping[str, tuple[str, str]] = {
    "github": (r"[\w.-]+/[\w.-]+", "owner/repository"),
    "gitlab": (r"\d+|[\w.-]+(/[\w.-]+)+", "group/project"),
    "jira": (r"[A-Z][A-Z0-9_]+", "OPS"),
}


class TicketsTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An unknown key is a mistake, not a wish."""

    kind: str  # github, gitlab or jira
    project: str  # owner/repository, group/project, or Jira's key
    token_file: str
    url: str = ""  # of the server; default the public one's
    user: str = ""  # Jira: the mail of the account whose token it is
    issue_type: str = "Task"  # Jira's
    labels: tuple[str, ...] = ()
    priorities: Mapping[str, str] = {}  # high -> a label, or Jira's priority
    accounts: Mapping[str, str] = {}  # a person -> their account there
    always: bool = False  # every action item is to be one
    look_every: str = "10m"  # at those that are open


def ticket_mistakes(table: TicketsTable | None, people: Collection[str]) -> Iterator[str]:
    if table is None:
        return
    if table.kind not in KINDS:
        yield f'tickets.kind: "{table.kind}" is not one of {", ".join(KINDS)}.'
        return
    form, example = KINDS[table.kind]
    if not re.fullmatch(form, table.project, re.ASCII):
        yield f'tickets.project: "{table.project}" is no project. Write it as "{example}".'
    if table.url and not re.match(r"https?://[^\s/]+", table.url):
        yield f'tickets.url: "{table.url}" is not a link. Begin with https://.'
    if table.kind == "jira" and not table.url:
        yield "tickets.url: name the site, such as https://example.atlassian.net."
    if table.kind != "jira" and table.user:
        yield "tickets.user: only Jira needs it."
    if table.kind == "jira":
        for label in table.labels:
            if not re.fullmatch(r"\S+", label):
                yield f'tickets.labels: "{label}" has a space, which Jira does not allow.'
    yield from (
        f'tickets.accounts: nobody is called "{name}". Add [people.{name}].'
        for name in table.accounts
        if name not in people
    )
    if read_duration(table.look_every) is None:
        yield f'tickets.look_every: "{table.look_every}" is no duration. Write "10m".'
