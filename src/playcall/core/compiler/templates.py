"""Texts to be filled and sent: their subject, body and bracketed fields. Never commands."""

import re
from collections.abc import Container

from playcall.core.compiler.blocks import Block, Kind
from playcall.core.compiler.ledger import Ledger
from playcall.core.plan import Template, TemplateField

FIELD = re.compile(r"\[(?P<name>[^\[\]\n]{1,80})\](?![(\[])")
_SUBJECT = re.compile(r"^subject:[ \t]*(?P<subject>.*)$", re.IGNORECASE | re.MULTILINE)
_TEXT_TAGS = ("", "text", "txt", "plain", "markdown", "md")


def is_text(block: Block) -> bool:
    return block.kind is Kind.FENCE and block.info in _TEXT_TAGS


def is_message(block: Block) -> bool:
    """A text that opens with a subject, wherever it stands."""
    return is_text(block) and _SUBJECT.match(block.text.lstrip()) is not None


def read_template(block: Block, name: str, literal: Container[str], ledger: Ledger) -> Template:
    """`literal` are bracketed words that stand for themselves: the document's severities."""
    ledger.take(block.first, block.last, "template")
    lines = block.text.split("\n")
    subject = None
    if is_message(block):
        start = next(i for i, line in enumerate(lines) if line.strip())
        found = _SUBJECT.match(lines[start].strip())
        subject = found["subject"].strip() if found else None
        lines = lines[start + 1 :]
    return Template(
        name=name,
        subject=subject,
        body="\n".join(lines).strip("\n"),
        fields=tuple(_fields(block, literal, ledger)),
        line=block.first,
        last_line=block.last,
    )


def _fields(block: Block, literal: Container[str], ledger: Ledger) -> list[TemplateField]:
    found: list[TemplateField] = []
    for line in range(block.body_line, block.last + 1):
        for field in FIELD.finditer(ledger.lines[line - 1]):
            name = field["name"].strip()
            if len(name) > 1 and name.upper() not in literal:
                found.append(TemplateField(name=name, line=line, column=field.start() + 1))
    return found
