"""A post-mortem by its sections: what a person edits by itself, what is still asked in it, and how
two texts become one section by section."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from playcall.core.merge import Merged, merge
from playcall.core.report_form import TO_WRITE, About, about

_HEADING = re.compile(r"(?P<marks>#{1,6})\s+(?P<text>.*\S)\s*$")
_FENCE = re.compile(r" {0,3}(?P<marks>`{3,}|~{3,})(?P<rest>.*)$")
_LINK = re.compile(r"\s?\(\[\d+\]\([^)\s]*\)\)")  # to an event
_MARKUP = re.compile(r"\\(?=\W)|[*`]")
_LEAD = re.compile(r"\s*(?:(?:[-*+]|\d+[.)])\s+)?(?:\[[ xX]?\]\s+)?")
_CLOCK = re.compile(r"HH:MM(?::SS)?\s*[-–—:]\s*")
_NAMELESS = "beginning"  # of what stands before the first heading


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A heading with what stands below it; all parts together are the whole text."""

    key: str  # unlike any other part's; goes into an address
    heading: str  # empty: before the first one
    line: int  # where it begins, from 0
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is left for a person to write."""

    number: int  # from 1, in the text
    part: str  # its key
    prompt: str
    alone: bool  # nothing else is on its line: the answer may have several


def parts(text: str) -> list[Part]:
    """It is cut at the highest level that has several headings, and at those above it."""
    lines = text.split("\n")
    found = list(_headings(lines))
    levels = Counter(level for _, level, _ in found)
    depth = min((level for level, count in levels.items() if count > 1), default=6)
    starts = [(at, heading) for at, level, heading in found if level <= depth]
    if not starts or any(line.strip() for line in lines[: starts[0][0]]):
        starts.insert(0, (0, ""))
    else:
        starts[0] = (0, starts[0][1])
    ends = [at for at, _ in starts[1:]] + [len(lines)]
    keys = _keys([heading for _, heading in starts])
    return [
        Part(key=key, heading=heading, line=at, text="\n".join(lines[at:end]))
        for key, (at, heading), end in zip(keys, starts, ends, strict=True)
    ]


def part(text: str, key: str) -> Part | None:
    return next((one for one in parts(text) if one.key == key), None)


def with_part(text: str, key: str, written: str) -> str:
    """Raises LookupError when it has no such part."""
    found = parts(text)
    if key not in [one.key for one in found]:
        raise LookupError(f'there is no section "{key}" in that version')
    return _joined([_like(one.text, written) if one.key == key else one.text for one in found])


def _like(old: str, written: str) -> str:
    """With the room below it that it had before."""
    body = written.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    return body + old[len(old.rstrip("\n")) :] if body else body


def _joined(texts: Sequence[str]) -> str:
    return "\n".join(texts)


def merge_parts(base: str, mine: str, theirs: str) -> Merged:
    """As `merge`; two people who wrote in different sections never clash."""
    a, b, c = parts(base), parts(mine), parts(theirs)
    if not [one.key for one in a] == [one.key for one in b] == [one.key for one in c]:
        return merge(base, mine, theirs)
    done = [merge(x.text, y.text, z.text) for x, y, z in zip(a, b, c, strict=True)]
    return Merged(
        text=_joined([one.text for one in done]), conflicts=sum(one.conflicts for one in done)
    )


def with_actions(base: str, fresh: str) -> str:
    """What was generated, with the action items of a newer generation."""
    new = next((one for one in parts(fresh) if about(one.heading) is About.ACTIONS), None)
    if new is None or part(base, new.key) is None:
        return base
    return with_part(base, new.key, new.text)


# --- what is asked -------------------------------------------------------------------------------


def questions(text: str) -> list[Question]:
    return [
        Question(number=number, part=key, prompt=prompt, alone=alone)
        for number, (key, prompt, alone) in enumerate(_asked(text), 1)
    ]


def _asked(text: str) -> Iterator[tuple[str, str, bool]]:
    for one in parts(text):
        for line in one.text.split("\n"):
            start = _LEAD.match(line)
            said = line[start.end() if start else 0 :]
            for before in said.split(TO_WRITE)[:-1]:
                alone = line.strip() == TO_WRITE
                yield one.key, _prompt(before) or _shown(one.heading) or "The beginning", alone


def _prompt(before: str) -> str:
    words = _CLOCK.sub("", before.replace(TO_WRITE, ""))
    return _shown(words.rsplit(". ", 1)[-1]).strip(" :.-")


def _shown(text: str) -> str:
    return _MARKUP.sub("", _LINK.sub("", text)).replace(TO_WRITE.strip("_"), "…").strip("# ")


def answered(text: str, answers: Mapping[int, str]) -> str:
    """What is empty stays a question. An answer beside other words is one line."""
    known = {one.number: one for one in questions(text)}
    pieces = text.split(TO_WRITE)
    made = [pieces[0]]
    for number, piece in enumerate(pieces[1:], 1):
        said = answers.get(number, "").replace("\r\n", "\n").strip()
        if said and not known[number].alone:
            said = " ".join(said.split())
        made += [said or TO_WRITE, piece]
    return "".join(made)


# --- where its headings are ----------------------------------------------------------------------


def _headings(lines: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """The line of each, its level and its words; what looks like one in a block of code is none."""
    fence = ""
    for at, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark["marks"]
        elif mark and mark["marks"].startswith(fence) and not mark["rest"].strip():
            fence = ""
        elif not fence and (heading := _HEADING.match(line)):
            yield at, len(heading["marks"]), heading["text"]


def _keys(headings: Sequence[str]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for heading in headings:
        key = re.sub(r"[^a-z0-9]+", "-", _shown(heading).lower()).strip("-")[:60] or _NAMELESS
        seen[key] += 1
        yield key if seen[key] == 1 else f"{key}--{seen[key]}"
