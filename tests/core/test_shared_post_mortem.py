"""Sharing the post-mortem: what readers without an account get, and what is refused."""

from dataclasses import replace

from playcall.core.post_mortem import PostMortem
from playcall.core.report_form import TO_WRITE
from playcall.core.sending_events import PostMortemShared
from playcall.core.shared_post_mortem import LONGEST_PART, changed_since, compose, say_changed
from playcall.testing import NOON, minutes
from tests.core.responding import after, opened, refused, resolved

TEXT = f"""# Moves were \\*slow\\*

**Severity:** CRITICAL ([1](https://p.example/incidents/1#event-1))

## Who was hurt
- 12 moves ([1](https://p.example/incidents/1#event-1))
- Errors: 101 ([36](https://p.example/incidents/1#event-36), [numbers](https://p.example/r))
    - of them 7 of customers

## What happened when
- 12:00 UTC - fired

## Why
A full disk.

## What helped
- 12:07 Mend, approved by ada: succeeded

      mend-latency --host db-7

Then by hand:

- as was agreed
  ```bash
  drain-host db-7
  ```

It was enough.

## What we will do
- [ ] {TO_WRITE}
"""
PAPER = PostMortem(version=2, text=TEXT, base=TEXT, of=9, by="ada", at=NOON)


def shared(version: int = 1, **changes: object) -> PostMortemShared:
    event = PostMortemShared(
        at=NOON + minutes(40), by="ada", version=version, subject="s", body="b", to=("CTO",)
    )
    return replace(event, **changes)  # type: ignore[arg-type]


def test_the_message_has_what_stakeholders_ask_for_in_plain_words() -> None:
    subject, body = compose(PAPER, 1, None)
    assert subject == "Post-mortem of incident 1: Moves were *slow*"
    assert "Who was hurt\n- 12 moves\n- Errors: 101\n    - of them 7 of customers\n" in body
    assert "Then by hand:\n\n- as was agreed\n\nIt was enough." in body
    assert "Why\nA full disk." in body
    assert "What we will do\n- [ ] (to be written)" in body
    assert "Not finished: 1 answer is missing." in body
    assert "12:00 UTC - fired" not in body
    assert "db-7" not in body, "no command goes outside"
    assert "#event-1" not in body, "readers without an account have no use for it"


def test_a_long_part_is_cut_and_a_text_without_headings_still_goes() -> None:
    long = replace(PAPER, text=f"# T\n\n## Why\n{'x' * 9000}\n")
    assert len(compose(long, 1, None)[1]) < LONGEST_PART + 300
    subject, _body = compose(replace(PAPER, text="just words\n"), 1, None)
    assert subject == "Post-mortem of incident 1: Incident 1"


def test_what_changed_since_it_was_shared_is_counted_in_lines() -> None:
    newer = replace(PAPER, version=4, text=TEXT.replace("A full disk.", "Logs.\nNobody looked."))
    changed = changed_since(PAPER, newer)
    assert (changed.version, changed.added, changed.removed) == (2, 2, 1)
    said = "Since version 2, which was shared before, 2 lines came and 1 line went."
    assert say_changed(changed) == said
    assert said in compose(newer, 1, changed)[1]


def test_what_is_unfinished_or_was_shared_needs_a_word() -> None:
    over = after(opened(), resolved(30))
    assert refused(opened(), shared()) == "incident 1 is open"
    left = "2 answers are missing and 1 conflict is left; say so, to share it so"
    assert refused(over, shared(asks=2, conflicts=1)) == left
    once = after(over, shared(asks=2, unfinished=True))
    assert once.owed.shared
    assert "version 1 was shared already" in refused(once, shared())
    assert after(once, shared(again=True)).owed.shared
    newer = after(once, shared(3)).owed.shared
    assert newer is not None
    assert newer.version == 3
