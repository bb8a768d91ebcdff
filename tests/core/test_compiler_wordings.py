"""Policies in other teams' words: severities, paths, teams, audiences, impacts, contacts."""

from datetime import timedelta

import pytest

from playcall.core.plan import RungCondition, Wake
from tests.core.compiling import a_document, codes, plan_of

MINUTE = timedelta(minutes=1)

OTHER_WORDS = """\
| Description | Priority | Respond within | Page? | Escalate |
|---|---|---|---|---|
| all down | 🔴 P1 - Critical | 5 min | 24/7 | Immediately |
| slow | **P2** (High) | 15 min | If persistent | After 10 min |
| odd | P3 | 1 hour | business hours | Never |

| Role | Primary | Secondary | Backup |
|------|---------|-----------|---------|
| Databases | Ann | Bo | Cy |

| Stakeholders | Severity | First notice | Update frequency |
|---|---|---|---|
| Support + Legal | Critical | 10 minutes | every 30 minutes |

| Impact | Workaround | Severity |
|---|---|---|
| All users | none | P1 |

| Name | Position | Contact |
|---|---|---|
| Ann | Lead | +1 202 555 0101 |
| Bo | Deputy | bo@example.org |

| Condition | Escalation Level | Timeout |
|---|---|---|
| Outage | Level 2 | 15 minutes |
"""


def test_tables_are_read_in_other_words_and_orders() -> None:
    plan = plan_of(a_document(severities=OTHER_WORDS))

    assert [(s.level, s.names, s.respond_within, s.wake) for s in plan.severities] == [
        ("P1", ("CRITICAL",), 5 * MINUTE, Wake.YES),
        ("P2", ("HIGH",), 15 * MINUTE, Wake.IF_PERSISTENT),
        ("P3", (), 60 * MINUTE, Wake.NO),
    ]
    assert [(t.value, t.primary, t.secondary) for t in plan.teams] == [("Databases", "Ann", "Bo")]
    [told] = plan.audiences
    assert (told.severity, told.first_within, told.every) == ("P1", 10 * MINUTE, 30 * MINUTE)
    assert told.recipients == ("Support", "Legal")
    assert [(i.text, i.severity) for i in plan.impacts] == [("All users, none", "P1")]
    assert [(c.role, c.phone, c.email) for c in plan.contacts] == [
        ("Lead", "+1 202 555 0101", None),
        ("Deputy", None, "bo@example.org"),
    ]


def test_a_play_may_use_any_of_a_severitys_names() -> None:
    plan = plan_of(a_document(severities=OTHER_WORDS))

    assert plan.plays[0].severity == "P1"  # it says CRITICAL
    assert plan.severity("critical") is plan.severities[0]


def test_without_a_word_on_waking_urgent_severities_wake() -> None:
    table = "| Severity | Response time |\n|---|---|\n| SEV1 | 15 min |\n| SEV2 | 2 hours |\n"

    wakes = [s.wake for s in plan_of(a_document(severities=table)).severities]
    assert wakes == [Wake.YES, Wake.NO]


THREE = [("Ann", 0), ("Bo", 15), ("Cy", 30)]


@pytest.mark.parametrize(
    "path",
    [
        "- Ann\n- After 15 minutes: Bo\n- After 30 minutes: Cy\n",
        "1. Ann (Page)\n2. Bo - 15 minutes\n3. Cy - 30 minutes\n",
        "* 0-15 min → Ann\n* 15-30 min → Bo\n* 30+ min → Cy\n",
        "- L1: Ann (immediate)\n- L2: Bo - 15 minutes\n- L3: Cy - 30 minutes\n",
        "| Time | Who |\n|---|---|\n| 0 min | Ann |\n| 15 min | Bo |\n| 30 min | Cy |\n",
        "| Level | Contact | Escalate after |\n|---|---|---|\n"
        "| L1 | Ann | 15 minutes |\n| L2 | Bo | 15 minutes |\n| L3 | Cy | - |\n",
        "### Level 1: Ann (0-15 minutes)\n\n### Level 2: Bo (15-30 min)\n\n"
        "### Tier 3: Cy (30+ min)\n",
    ],
    ids=["bullets", "numbers", "ranges", "levels", "table", "waits", "headings"],
)
def test_an_escalation_path_is_a_drawing_a_list_or_a_table(path: str) -> None:
    rungs = plan_of(a_document(path=path)).rungs

    assert [(rung.roles[0], rung.after / MINUTE) for rung in rungs] == THREE


def test_a_rungs_condition_and_means_are_read_from_its_cells() -> None:
    path = (
        "| After | Notify | How | Condition |\n|---|---|---|---|\n"
        "| 5 min | Ann | Page | no ACK |\n| 20 min | VP + CTO | Call | SLA violation |\n"
    )
    assert [(r.roles, r.means, r.condition) for r in plan_of(a_document(path=path)).rungs] == [
        (("Ann",), "Page", RungCondition.NO_ACK),
        (("VP", "CTO"), "Call", RungCondition.SLA_VIOLATION),
    ]


def test_reasons_to_escalate_are_no_path() -> None:
    path = "Escalate to the owner if:\n- many disks are full\n- it lasts\n"

    assert codes(a_document(path=path)) == ["PC405"]
