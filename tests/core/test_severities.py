"""What an alert's labels say of its severity, however they spell it."""

from dataclasses import replace

import pytest

from playcall.core.plan import Wake
from playcall.core.severities import LABELS, level_of
from playcall.testing import a_plan, a_severity

FOUR = replace(
    a_plan(),
    severities=tuple(
        a_severity(level, 0, Wake.YES) for level in ("CRITICAL", "HIGH", "WARNING", "INFO")
    ),
)
NUMBERED = replace(
    a_plan(), severities=tuple(a_severity(level, 0, Wake.YES) for level in ("SEV1", "SEV2", "SEV3"))
)


@pytest.mark.parametrize(
    ("value", "level"),
    [
        ("critical", "CRITICAL"),
        ("CRITICAL", "CRITICAL"),
        ("page", "CRITICAL"),
        ("error", "HIGH"),
        ("High", "HIGH"),
        ("warning", "WARNING"),
        ("none", "INFO"),
        ("P1", "CRITICAL"),
        ("p2", "HIGH"),
        ("P0", "CRITICAL"),
        ("P9", "INFO"),
        ("sev-2", "HIGH"),
        ("SEV2", "HIGH"),
        ("sev 3", "WARNING"),
        ("4", "INFO"),
        ("  warning ", "WARNING"),
        ("catastrophic", "CRITICAL"),
        ("", "CRITICAL"),
        ("p" * 10_000, "CRITICAL"),
    ],
)
def test_usual_words_and_numbers_are_understood(value: str, level: str) -> None:
    assert level_of({"severity": value}, FOUR, LABELS, {}) == level


def test_a_documents_own_names_come_before_ranks() -> None:
    assert level_of({"severity": "sev-2"}, NUMBERED, LABELS, {}) == "SEV2"
    assert level_of({"severity": "warning"}, NUMBERED, LABELS, {}) == "SEV3", "by its rank"
    assert level_of({"severity": "odd"}, NUMBERED, LABELS, {}) == "SEV1"
    named = replace(FOUR.severities[1], names=("P1",))
    odd = replace(FOUR, severities=(FOUR.severities[0], named, *FOUR.severities[2:]))
    assert level_of({"severity": "P1"}, odd, LABELS, {}) == "HIGH"


def test_the_installations_own_words_come_first() -> None:
    said = {"warning": "HIGH", "odd": "NOWHERE"}
    assert level_of({"severity": "Warning"}, FOUR, LABELS, said) == "HIGH"
    assert level_of({"severity": "odd"}, FOUR, LABELS, said) == "CRITICAL"


def test_the_first_label_that_is_understood_counts() -> None:
    labels = {"severity": "?", "priority": "P3", "urgency": "low"}
    assert level_of(labels, FOUR, LABELS, {}) == "WARNING"
    assert level_of(labels, FOUR, ("urgency", "priority"), {}) == "INFO"


def test_without_a_table_words_are_levels_by_themselves() -> None:
    bare = replace(a_plan(), severities=())
    assert level_of({"severity": "warning"}, bare, LABELS, {}) == "WARNING"
    assert level_of({"severity": "odd"}, bare, LABELS, {}) == "CRITICAL"
