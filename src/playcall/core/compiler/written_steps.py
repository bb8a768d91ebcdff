"""Steps written as plain lines, 'Step 1: look at the disk', without a list or a heading."""

import re

from playcall.core.compiler.blocks import Block, Kind

_STEP = re.compile(
    r"^\s*(?P<bold>\*\*|__)?step\s+(?P<number>\d{1,9})\s*(?P<closed>\*\*|__)?"
    r"(?:\s*[.:)]|\s+[-–—])(?P<shut>\*\*|__)?\s+(?P<title>\S.*)$",
    re.IGNORECASE,
)


def has_steps(block: Block) -> bool:
    return block.kind is Kind.PARAGRAPH and any(map(_STEP.match, block.text.split("\n")))


def cut_steps(block: Block) -> tuple[Block, ...]:
    """A paragraph as the numbered items it means; what stands above the first stays a paragraph."""
    cut: list[tuple[int | None, int, list[str]]] = []
    for line, text in enumerate(block.text.split("\n"), block.first):
        found = _STEP.match(text)
        if found is not None:
            still_bold = found["bold"] and not (found["closed"] or found["shut"])
            title = f"{found['bold']}{found['title']}" if still_bold else found["title"]
            cut.append((int(found["number"]), line, [title]))
        elif cut:
            cut[-1][2].append(text)
        else:
            cut.append((None, line, [text]))
    return tuple(_block(*part) for part in cut)


def _block(number: int | None, line: int, lines: list[str]) -> Block:
    last = line + len(lines) - 1
    text = Block(kind=Kind.PARAGRAPH, first=line, last=last, text="\n".join(lines))
    if number is None:
        return text
    return Block(kind=Kind.ITEM, first=line, last=last, number=number, children=(text,))
