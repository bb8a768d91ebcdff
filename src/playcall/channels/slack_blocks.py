"""Cards and messages as Slack's blocks. Text is hostile until it went through `escape`: nothing in
it marks up, mentions or links."""

import re
import unicodedata
from typing import Any

from playcall.core.chat import Button, Card

LONGEST_SECTION = 2900  # characters after escaping; Slack's limit is 3000
LONGEST_TITLE = 300
LONGEST_CONFIRM = 280
LONGEST_LABEL = 75
MORE = "… (the incident's page has everything)"
# Characters that turn the direction of text around, and so make it read as another one.
DIRECTIONS = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_MENTION = re.compile(r"@(?=(?:channel|here|everyone|group)\b)", re.IGNORECASE)
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

Block = dict[str, Any]


def plain(text: str) -> str:
    """Without control characters and those that turn text around; mentions are broken."""
    text = text[:100_000].translate(DIRECTIONS)
    text = "".join(
        "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\t"
        else one
        for one in text
    )
    return _MENTION.sub("@\N{WORD JOINER}", text)


def escape(text: str, longest: int = LONGEST_SECTION) -> str:
    """For a text in Slack's markup, no longer than that once it is escaped."""
    kept = plain(text)[:longest]
    escaped = kept.translate(_ENTITIES)
    cut = len(text) > longest
    while len(escaped) + cut * len(MORE) > longest:
        kept = kept[: len(kept) * 9 // 10]
        escaped, cut = kept.translate(_ENTITIES), True
    return escaped + MORE * cut


def render(card: Card) -> tuple[str, list[Block]]:
    """The line for a notification, and the blocks."""
    title = escape(" ".join(card.title.split()), LONGEST_TITLE)
    told = f"*{title}*" if "*" not in title else title
    text = "\n".join(card.lines)
    blocks = [_section(f"{told}\n{escape(text)}"[:3000] if text else told)]
    if card.code:
        code = escape(card.code.replace("```", "` ` `"))
        blocks.append(_section(f"```{code}```"))
    if buttons := _buttons(card):
        blocks.append({"type": "actions", "elements": buttons})
    return title, blocks


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _buttons(card: Card) -> list[Block]:
    found = [_button(button) for button in card.buttons]
    if card.link.startswith(("https://", "http://")):
        opening = {"type": "button", "action_id": "open", "text": _label("Open"), "url": card.link}
        found.append(opening)
    return found


def _button(button: Button) -> Block:
    block: Block = {
        "type": "button",
        "action_id": button.press.value,
        "text": _label(button.label),
        "value": button.value,
    }
    if button.danger:
        block["style"] = "danger"
    if button.confirm:
        asked = plain(button.confirm)
        if len(asked) > LONGEST_CONFIRM:
            asked = f"{asked[: LONGEST_CONFIRM - 1]}…"
        block["confirm"] = {
            "title": _label("Are you sure?"),
            "text": {"type": "plain_text", "text": asked},
            "confirm": _label(button.label),
            "deny": _label("Not now"),
        }
    return block


def _label(text: str) -> Block:
    return {"type": "plain_text", "text": text[:LONGEST_LABEL]}
