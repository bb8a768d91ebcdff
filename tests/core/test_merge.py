"""Three texts made one: nothing that a person wrote is lost, and what clashes is marked."""

from hypothesis import given
from hypothesis import strategies as st

from playcall.core.merge import END, GENERATED, WRITTEN, merge, open_conflicts

LINES = st.lists(st.sampled_from(["a", "b", "c", "d", "", "- x", WRITTEN]), max_size=12).map(
    "\n".join
)


def test_what_only_one_side_changed_is_taken() -> None:
    base = "# Title\n\none\n\ntwo\n\nthree\n"
    written = base.replace("one", "one, in my words")
    generated = base.replace("three", "three, resolved")
    found = merge(base, written, generated)
    assert found.text == "# Title\n\none, in my words\n\ntwo\n\nthree, resolved\n"
    assert found.conflicts == 0


def test_what_both_changed_stands_there_twice_and_is_marked() -> None:
    found = merge("a\nx\nb\n", "a\nmine\nb\n", "a\ntheirs\nb\n")
    assert found.conflicts == open_conflicts(found.text) == 1
    said = [line for line in found.text.split("\n") if line]
    assert said == ["a", WRITTEN, "mine", GENERATED, "theirs", END, "b"]


def test_what_a_person_took_out_stays_out() -> None:
    assert merge("a\nb\nc\n", "a\nc\n", "a\nb\nc\nd\n").text == "a\nc\nd\n"


def test_the_same_change_on_both_sides_is_no_conflict() -> None:
    assert merge("a\nb\n", "a\nz\n", "a\nz\n").conflicts == 0


@given(base=LINES, written=LINES, generated=LINES)
def test_no_line_that_was_written_is_lost(base: str, written: str, generated: str) -> None:
    found = merge(base, written, generated)
    kept = found.text.split("\n")
    for line in set(written.split("\n")) - set(base.split("\n")):
        assert kept.count(line) >= 1, line
    assert merge(base, base, generated).text == generated
    assert merge(base, written, base).text == written
