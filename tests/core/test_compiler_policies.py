"""What stands outside the plays: tables, communication, the way back, duties, queries."""

from datetime import timedelta

import pytest

from playcall.core.communication import Contact
from playcall.core.plan import Team, Wake
from tests.core.compiling import SEVERITIES, a_document, codes, compiled, plan_of


def test_essential_commands_of_several_blocks_have_names_of_their_own() -> None:
    block = "\n## {}\n\n```bash\n{}\n```\n"
    text = a_document() + block.format("Essential Commands", "uptime\ndf -h")
    text += block.format("Useful commands", "free -m")
    plan = plan_of(text)
    assert [(command.id, command.text) for command in plan.essentials] == [
        ("essential.1", "uptime"),
        ("essential.2", "df -h"),
        ("essential.3", "free -m"),
    ]
    played = {command.id for play in plan.plays for command in play.commands()}
    assert not played & {command.id for command in plan.essentials}


def test_severities_are_read_by_the_words_of_their_header() -> None:
    table = """\
| Wake? | Severity | Escalation | Response |
|---|---|---|---|
| Yes (if persistent) | **high** | After 10 min | <15 minutes |
| NO | info | None | Best effort |
"""
    high, info = plan_of(a_document(severities=table)).severities

    assert (high.level, high.wake) == ("HIGH", Wake.IF_PERSISTENT)
    assert (high.respond_within, high.escalate_after) == (
        timedelta(minutes=15),
        timedelta(minutes=10),
    )
    assert (info.level, info.wake, info.respond_within, info.escalate_after) == (
        "INFO",
        Wake.NO,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("| HIGH | <15 minutes | After 10 min | YES | slow |", ["PC402"]),
        ("| HIGH | <15 minutes | After 10 min | YES | slow; no play |", []),
        ("| HIGH | <15 minutes | After 10 min | NO | slow |", []),
        ("| CRITICAL | <9 minutes | Immediate | YES | twice |", ["PC106"]),
        ("| LOW | sometime | None | NO | - |", ["PC106"]),
    ],
)
def test_odd_rows_of_the_severity_table_are_told(row: str, expected: list[str]) -> None:
    assert codes(a_document(severities=f"{SEVERITIES}{row}\n")) == expected


def test_teams_belong_to_labels() -> None:
    table = """
| Alert Label | Primary Team | Secondary Team | Expert |
|---|---|---|---|
| `team: storage` | Storage | SRE | Kim |
| area=net | Network | SRE | Lee |
"""
    plan = plan_of(a_document() + table)
    line = plan.teams[0].line

    assert plan.teams == (
        Team(
            label="team",
            value="storage",
            primary="Storage",
            secondary="SRE",
            expert="Kim",
            line=line,
        ),
        Team(
            label="area",
            value="net",
            primary="Network",
            secondary="SRE",
            expert="Lee",
            line=line + 1,
        ),
    )


def test_a_stand_in_is_no_contact() -> None:
    table = "\n| Role | Name | Phone | Email |\n|---|---|---|---|\n"
    text = f"{a_document()}{table}| Team Lead | TBD | +1-XXX-XXX-XXXX | lead@example.org |\n"
    compilation = compiled(text)
    assert compilation.plan is not None
    (contact,) = compilation.plan.contacts

    assert contact == Contact(
        role="Team Lead", name=None, phone=None, email="lead@example.org", line=contact.line
    )
    told = [(p.code, p.place.line) for p in compilation.problems if p.code != "PC421"]
    assert told == [("PC407", contact.line)]


def test_channels_status_page_and_audiences_are_taken() -> None:
    text = (
        a_document()
        + """
## Chat
- **#disk-alerts** - everything
- `#disk-war`: when it burns

## Status page

See https://status.example.org, updated every 20 minutes:

```
[HH:MM] - LOOKING INTO IT
We know.
More soon.

[HH:MM] - RESOLVED
It is over.
```

## Told

**Critical cases:**
- Initial: Within 5 minutes
- Updates: every hour
- Recipients: CTO + Product Lead, Support
"""
    )
    plan = plan_of(text)
    assert plan.status_page is not None
    (audience,) = plan.audiences

    assert [(c.name, c.purpose) for c in plan.channels] == [
        ("#disk-alerts", "everything"),
        ("#disk-war", "when it burns"),
    ]
    assert plan.status_page.url == "https://status.example.org"
    assert plan.status_page.every == timedelta(minutes=20)
    assert [(t.state, t.body) for t in plan.status_page.texts] == [
        ("LOOKING INTO IT", "We know.\nMore soon."),
        ("RESOLVED", "It is over."),
    ]
    assert (audience.name, audience.severity) == ("Critical cases", "CRITICAL")
    assert (audience.first_within, audience.every) == (timedelta(minutes=5), timedelta(hours=1))
    assert audience.recipients == ("CTO", "Product Lead", "Support")
    assert compiled(text).problems == ()


def test_rollback_and_duties_are_taken() -> None:
    text = (
        a_document()
        + """
## Rollback

```bash
# Look first
df -h
```

- [ ] Somebody agreed
- [ ] Everybody knows

## Post-incident

### Within 1 Hour
1. **Sum up**
   - Who
   - When

### Review (Within 2 days)
2. **Write**
   ```markdown
   # [TITLE]
   ```

### Within 1 Week
- Improve
"""
    )
    plan = plan_of(text)
    assert plan.rollback is not None

    assert [(c.id, c.title) for c in plan.rollback.commands] == [("rollback.1", "Look first")]
    assert [item.text for item in plan.rollback.checklist] == ["Somebody agreed", "Everybody knows"]
    assert [(d.title, d.within, [i.text for i in d.items]) for d in plan.duties] == [
        ("Sum up", timedelta(hours=1), ["Who", "When"]),
        ("Write", timedelta(days=2), []),
        ("Within 1 Week", timedelta(weeks=1), ["Improve"]),
    ]
    assert plan.duties[1].template is not None
    assert [field.name for field in plan.duties[1].template.fields] == ["TITLE"]
    assert compiled(text).problems == ()


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("## Status page\n\nSee https://status.example.org now and then.\n", "PC108"),
        ("## Elsewhere\n\n```bash\ndf -h\n```\n", "PC109"),
        ("```promql\n# Disk Usage\nmin(up)\n```\n", "PC110"),
        ("## Post-incident\n\n1. Sum up\n", "PC111"),
        ("> " * 40 + "deep\n", "PC112"),
        ("**Everybody:**\n- Initial: 5 minutes\n- Recipients: all\n", "PC412"),
        ("```bash\ndf -h\n", "PC102"),
    ],
)
def test_what_cannot_be_taken_is_told(part: str, code: str) -> None:
    assert code in codes(f"{a_document()}\n{part}")


@pytest.mark.parametrize(("part", "code"), [("severities", "PC409"), ("path", "PC405")])
def test_policies_that_are_missing_are_told(part: str, code: str) -> None:
    text = a_document(severities="") if part == "severities" else a_document(path="")

    assert code in codes(text)


def test_front_matter_and_bold_lines_are_facts() -> None:
    text = f"---\ntitle: Disks\nowner: SRE\n---\n\n{a_document()}\n**Version:** 2\n"

    assert [(f.name, f.value) for f in plan_of(text).facts] == [
        ("title", "Disks"),
        ("owner", "SRE"),
        ("Version", "2"),
    ]


def test_queries_are_split_by_their_comments() -> None:
    queries = "```promql\n# A\nsum(\n  up)\n# B\nmax(up)\n\nmin(up)\n```\n"

    assert [(q.name, q.promql) for q in plan_of(a_document(queries=queries)).queries] == [
        ("A", "sum(\nup)"),
        ("B", "max(up)"),
        ("Queries", "min(up)"),
    ]
