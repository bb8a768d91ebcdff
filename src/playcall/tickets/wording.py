"""What a ticket says. Texts that people wrote stay text over there: they mention nobody, refer to
nothing, and are no markup."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from playcall.engine.tickets import Item

LONGEST_TITLE = 200
_APART = "\u200b"  # takes no room; what begins a mention or a reference is none with it
_BEGINS = re.compile(r"([@#!$%&~])(?=[\w\"'])")
_SHORT = re.compile(r"\b(GH)-(?=\d)", re.IGNORECASE)
_MARKUP = frozenset(r"\`*_{}[]()<>#+-.!|~&/=:^")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is ours over there."""

    instance: str  # tells Playcalls apart
    labels: tuple[str, ...] = ()
    priorities: Mapping[str, str]  # a priority of ours -> theirs
    accounts: Mapping[str, str]  # a person -> their account

    def account(self, item: Item) -> str:
        return self.accounts.get(item.owner, "")

    def priority(self, item: Item) -> str:
        return self.priorities.get(item.priority, "")

    def mark(self, item: Item) -> str:
        """By which a ticket of ours is known again."""
        return f"playcall:incident/{item.incident}/action/{item.action}:{self.instance}"


def title(item: Item) -> str:
    return apart(line(item.text))[:LONGEST_TITLE]


def markdown(item: Item, mark: str) -> str:
    """The body, for GitHub and GitLab. It ends with the mark, which readers do not see."""
    about = [f"From [incident {item.incident}]({item.link}): {escaped(item.title)}"]
    about += [f"{name}: {escaped(value)}" for name, value in facts(item)]
    said = "\n".join(f"- {each}" for each in about)
    return f"{escaped(item.text)}\n\n{said}\n\n{hidden(mark)}"


def hidden(mark: str) -> str:
    return f"<!-- {mark} -->"


def facts(item: Item) -> list[tuple[str, str]]:
    due = item.due.isoformat() if item.due else ""
    named = (("Owner", item.owner), ("Priority", item.priority), ("Due", due))
    return [(name, value) for name, value in named if value]


def escaped(text: str) -> str:
    """On one line, so that no line of it is a quick action of GitLab's."""
    said = "".join(f"\\{c}" if c in _MARKUP else c for c in line(text))
    return apart(said)


def apart(text: str) -> str:
    return _SHORT.sub(rf"\1-{_APART}", _BEGINS.sub(rf"\1{_APART}", text))


def line(text: str) -> str:
    kept = (" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    return " ".join("".join(kept).split())
