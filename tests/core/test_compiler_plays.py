"""Plays: how they are found, and what is taken from their sections."""

from datetime import timedelta

import pytest

from playcall.core.plan import Purpose, Role
from tests.core.compiling import PLAY, a_document, codes, compiled, plan_of, play_of


@pytest.mark.parametrize(
    "heading",
    ["DiskFull", "🚨 DiskFull", "`DiskFull`", "Alert: DiskFull", "3.1 DiskFull", "DiskFull [Old]"],
)
def test_a_heading_with_an_alerts_name_opens_a_play(heading: str) -> None:
    assert play_of(f"## {heading}\n\n**Severity:** HIGH\n").alert == "DiskFull"


@pytest.mark.parametrize("name", ["SSPDown", "etcdMembersDown", "KubeAPIDown", "DCv3RolloutNoGo"])
def test_alert_names_come_in_several_spellings(name: str) -> None:
    assert play_of(f"# {name}\n\n1. Look\n").alert == name


@pytest.mark.parametrize("heading", ["Overview", "VMs", "macOS", "Quick Reference", "README"])
def test_other_headings_open_none(heading: str) -> None:
    assert plan_of(f"# {heading}\n\n1. Look\n").plays == ()


def test_a_heading_with_two_names_opens_two_plays_with_one_content() -> None:
    first, second = plan_of("# DiskFull / DiskAlmostFull\n\n1. Look\n").plays

    assert (first.alert, second.alert) == ("DiskFull", "DiskAlmostFull")
    assert first.phases == second.phases


@pytest.mark.parametrize(
    ("line", "minutes"),
    [("<5 minutes", 5), ("IMMEDIATE (<2 minutes)", 2), ("Immediate", 0), ("within 1 hour", 60)],
)
def test_a_response_time_is_read_in_the_words_of_documents(line: str, minutes: int) -> None:
    play = play_of(f"# DiskFull\n\n**Severity:** HIGH\n**Response Time:** {line}\n")

    assert play.respond_within == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("line", "minutes", "whom"),
    [
        ("Immediate to performance team", 0, "performance team"),
        ("Immediate to all teams", 0, "all teams"),
        ("After 30 minutes", 30, None),
        ("After 10 min to the on-call", 10, "on-call"),
    ],
)
def test_a_plays_escalation_says_when_and_to_whom(
    line: str, minutes: int, whom: str | None
) -> None:
    escalation = play_of(f"# DiskFull\n\n- **Escalation**: {line}\n\n1. Look\n").escalation

    assert escalation is not None
    assert (escalation.after, escalation.whom) == (timedelta(minutes=minutes), whom)
    assert escalation.text == line


@pytest.mark.parametrize(
    ("heading", "title", "role", "starts", "ends"),
    [
        ("Immediate Actions (First 5 Minutes)", "Immediate Actions", Role.ACT, 0, 5),
        ("Diagnostic Steps (5-15 Minutes)", "Diagnostic Steps", Role.DIAGNOSE, 5, 15),
        ("Decision Points (15–30 min)", "Decision Points", Role.DECIDE, 15, 30),
        ("Resolution", "Resolution", Role.RESOLVE, None, None),
        ("Mitigation (optional)", "Mitigation (optional)", Role.ACT, None, None),
        ("Late checks (after 1 hour)", "Late checks", Role.DIAGNOSE, 60, None),
    ],
)
def test_a_phase_keeps_its_role_and_time_box(
    heading: str, title: str, role: Role, starts: int | None, ends: int | None
) -> None:
    (phase,) = play_of(f"# DiskFull\n\n## {heading}\n\n1. Look\n").phases
    minutes = [None if m is None else timedelta(minutes=m) for m in (starts, ends)]

    assert (phase.title, phase.role, [phase.starts, phase.ends]) == (title, role, minutes)


def test_step_numbers_run_on_and_command_ids_follow_them() -> None:
    text = """# DiskFull

## Actions

1. **One**
   ```bash
   df -h
   ```

## Diagnosis

2. **Two**
   ```bash
   # First
   ls /

   # Second
   ls /var
   ```
"""
    assert [(c.id, c.title, c.text, c.line) for c in play_of(text).commands()] == [
        ("1.1", "One", "df -h", 7),
        ("2.1", "First", "ls /", 15),
        ("2.2", "Second", "ls /var", 18),
    ]


def test_a_number_that_comes_twice_gets_ids_that_do_not() -> None:
    step = "1. **Look**\n   ```bash\n   df -h\n   ```\n\n"
    text = f"# DiskFull\n\n## Actions\n\n{step}## Diagnosis\n\n{step}"

    assert [command.id for command in play_of(text).commands()] == ["1.1", "1b.1"]
    assert [step.key for phase in play_of(text).phases for step in phase.steps] == ["1", "1b"]
    (told,) = (problem for problem in compiled(text).problems if problem.code == "PC120")
    assert (told.place.line, told.level) == (12, "note")
    assert "step 1 on line 5" in told.what
    assert "1b.1" in told.what


def test_a_lead_above_numbered_steps_takes_no_number_from_them() -> None:
    text = "# DiskFull\n\n## Actions\n\nDo this:\n\n1. **Look**\n   ```bash\n   df -h\n   ```\n"
    assert [command.id for command in play_of(text).commands()] == ["1.1"]
    assert "PC120" not in codes(text)


def test_guards_hold_until_the_next_guard_or_step() -> None:
    text = """# DiskFull

## Actions

1. **Free space**

   ```bash
   df -h
   ```

   **If logs are large:**
   ```bash
   ls /var/log
   ```
   - Ask before deleting

   **Option B: Grow**
   ```bash
   ls /dev
   ```

2. **Look again**
   ```bash
   df -i
   ```
"""
    play = play_of(text)

    assert [(c.id, c.guard and (c.guard.kind, c.guard.text)) for c in play.commands()] == [
        ("1.1", None),
        ("1.2", ("if", "logs are large")),
        ("1.3", ("option", "Option B: Grow")),
        ("2.1", None),
    ]
    (check,) = play.phases[0].steps[0].checks
    assert check.guard is not None
    assert (check.text, check.guard.text) == ("Ask before deleting", "logs are large")


def test_a_bullet_with_code_names_its_command_and_one_without_is_a_check() -> None:
    text = """# DiskFull

## Diagnosis

4. **Search**
   - Ask the team
   - See what is largest:
     ```bash
     du -sh /var
     ```
   - [ ] Tell them
"""
    (step,) = play_of(text).phases[0].steps

    assert [(c.title, c.text) for c in step.commands] == [("See what is largest", "du -sh /var")]
    assert [check.text for check in step.checks] == ["Ask the team", "Tell them"]


def test_a_section_without_numbers_becomes_one_step() -> None:
    text = """# DiskFull

## Diagnosis

Look at the largest directories:

```bash
du -sh /var
```

Then ask their owners.
"""
    (step,) = play_of(text).phases[0].steps

    assert (step.number, step.title) == (1, "Diagnosis")
    assert [command.title for command in step.commands] == ["Look at the largest directories"]
    assert [check.text for check in step.checks] == ["Then ask their owners."]


def test_step_headings_are_steps() -> None:
    text = (
        "# DiskFull\n\n## Actions\n\n### Step 1: Look\n\n- Anywhere\n\n### Step 2: Act\n\n- Now\n"
    )

    assert [(s.number, s.title) for s in play_of(text).phases[0].steps] == [(1, "Look"), (2, "Act")]


def test_symptoms_are_criteria_while_it_lasts_and_verifications_when_it_is_over() -> None:
    criteria = play_of(a_document()).criteria

    assert [(c.id, c.purpose, c.written) for c in criteria] == [
        ("symptom.1", Purpose.SYMPTOM, "90%"),
        ("recovery.1", Purpose.RECOVERY, "80%"),
    ]


def test_a_template_keeps_subject_body_and_the_places_of_its_fields() -> None:
    template = """
#### Communication Template

```
Subject: [CRITICAL] Disk full

Since: [TIMESTAMP]
- [ ] told [WHO]
```
"""
    play = play_of(a_document(play=PLAY + template))
    (found,) = play.templates

    assert (found.subject, found.body) == (
        "[CRITICAL] Disk full",
        "Since: [TIMESTAMP]\n- [ ] told [WHO]",
    )
    assert [(f.name, f.line - found.line, f.column) for f in found.fields] == [
        ("TIMESTAMP", 3, 8),
        ("WHO", 4, 12),
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("**Severity:** CRITICAL", ""), ["PC402", "PC404"]),
        (("**Severity:** CRITICAL", "**Severity:** PURPLE"), ["PC402", "PC403"]),
        (("CRITICAL\n", "CRITICAL\n**Response Time:** soon\n"), ["PC105"]),
        (("CRITICAL\n", "CRITICAL\n**Response Time:** <1 hour\n"), ["PC408"]),
        (("CRITICAL\n", "CRITICAL\n**Escalation:** Immediate to the moon\n"), ["PC406"]),
        (("Verify disk usage <80%", "Verify nothing"), ["PC411"]),
    ],
)
def test_what_a_play_lacks_is_told(change: tuple[str, str], expected: list[str]) -> None:
    assert codes(a_document(play=PLAY.replace(*change))) == expected


def test_a_second_play_for_an_alert_is_an_error_and_the_first_is_used() -> None:
    text = a_document(play=f"{PLAY}\n{PLAY.replace('**Look**', '**Stare**')}")
    (problem,) = compiled(text).problems
    play = plan_of(text).play("DiskAlmostFull")

    assert problem.code == "PC103"
    assert play is not None
    assert play.phases[0].steps[0].title == "Look"


def test_a_name_in_a_heading_inside_a_play_opens_no_other() -> None:
    text = "# DiskFull\n\n**Severity:** HIGH\n\n## PostgreSQL\n\n1. Look\n"

    assert [phase.title for phase in play_of(text).phases] == ["PostgreSQL"]


def test_a_title_that_looks_like_an_alert_only_holds_the_plays_below_it() -> None:
    text = "# DiskPlaybooks\n\n## DiskFull\n\n1. Look\n\n## DiskSlow\n\n1. Look\n"

    assert [play.alert for play in plan_of(text).plays] == ["DiskFull", "DiskSlow"]


def test_commands_among_symptoms_are_not_lost() -> None:
    text = "# DiskFull\n\n## Symptoms\n\n- Slow\n\n```bash\ndf -h\n```\n"
    play = play_of(text)

    assert [symptom.text for symptom in play.symptoms] == ["Slow"]
    assert [(phase.role, c.text) for phase in play.phases for c in play.commands()] == [
        (Role.SYMPTOMS, "df -h")
    ]


def test_a_second_tree_in_one_step_is_told() -> None:
    drawn = "   ```\n   A?\n   ├─ NO → x\n   └─ YES → y\n   ```\n\n"

    assert "PC104" in codes(f"# DiskFull\n\n1. Decide\n\n{drawn}{drawn}")
