"""What a document says in two places: limits, proofs, metrics, the path, links."""

import pytest

from playcall.core.compiler import compile_document
from tests.core.compiling import PATH, PLAY, QUERIES, a_document, codes, compiled

OVER = "Verify disk usage <80% for 5 consecutive minutes"


def told(text: str, code: str) -> list[str]:
    return [problem.what for problem in compiled(text).problems if problem.code == code]


def test_one_measurement_with_two_limits_is_told() -> None:
    play = PLAY.replace("- Disk usage >90% for 2+ minutes", "- Disk usage >90%\n- Disk usage >95%")

    [what] = told(a_document(play=play), "PC417")
    assert "95%" in what
    assert "90%" in what


def test_an_end_at_which_the_alert_still_holds_is_told() -> None:
    assert told(a_document(play=PLAY.replace("<80%", "<95%")), "PC418")
    assert not told(a_document(play=PLAY.replace("<80%", "<90%")), "PC418")


CHANGE = "### DiskAlmostFull\n\n**Severity:** CRITICAL\n\n#### Mitigation\n\n1. **Mend**\n{0}"


@pytest.mark.parametrize(
    ("below", "code"),
    [
        ("   ```bash\n   rm -r /scratch\n   ```\n", ["PC401", "PC419"]),
        ("   ```bash\n   rm -r /scratch\n   df -h\n   ```\n", ["PC401"]),
        ("   ```bash\n   rm -r /scratch\n   ```\n\n2. Check that space is free\n", ["PC401"]),
        ("   ```bash\n   df -h\n   rm -r /scratch\n   ```\n", ["PC401", "PC419"]),
    ],
    ids=["nothing after", "a command looks", "a person looks", "looked before"],
)
def test_a_change_that_nothing_proves_is_told(below: str, code: list[str]) -> None:
    assert sorted(codes(a_document(play=CHANGE.format(below)))) == code


ASK = "   curl -s 'http://prometheus:9090/api/v1/query?query=max({0})'"


@pytest.mark.parametrize(
    ("metric", "found"),
    [("node_disk_usage_ratio", 0), ("node_disk_usages_ratio", 1), ("quite_other_total", 0)],
)
def test_a_metric_that_is_nearly_a_known_one_is_told(metric: str, found: int) -> None:
    play = PLAY.replace("   df -h", ASK.format(metric))

    assert len(told(a_document(play=play), "PC305")) == found


@pytest.mark.parametrize(
    ("path", "found"),
    [("```\nALERT\n ↓\nAnn (Page)\n ↓ (5 minutes)\nBo (Page)\n```\n", 0), (PATH, 0)],
)
def test_a_path_with_somebody_behind_is_sound(path: str, found: int) -> None:
    assert len(told(a_document(path=path), "PC420")) == found


def test_an_escalation_that_ends_is_told() -> None:
    lonely = "| Who | After |\n|---|---|\n| Ann | 0 min |\n| Bo | 5 min |\n"
    one = "```\nALERT\n ↓ (0 minutes)\nAnn (Page)\n```\n"

    assert not told(a_document(path=lonely), "PC420")
    assert told(a_document(path=one), "PC420")


def test_a_role_that_no_table_of_people_knows_is_noted() -> None:
    people = "\n| Role | Phone |\n|---|---|\n| On-Call Primary | +1 202 555 0101 |\n"

    [what] = told(a_document(path=PATH + people), "PC421")
    assert "'Team Lead' is paged after 5 minutes" in what


LINKED = f"""{QUERIES}
See [the plays](#plays), [all](#diskalmostfull "here"), [lost](#nowhere), `[code](#x)`,
[far](https://example.org/#x), [up](#top), [file](other.md#part).
"""


def test_links_to_no_heading_are_told_with_their_place() -> None:
    problems = [p for p in compiled(a_document(queries=LINKED)).problems if p.code == "PC116"]

    assert [problem.what.split(" ")[2] for problem in problems] == ["#nowhere"]
    line = a_document(queries=LINKED).split("\n")[problems[0].place.line - 1]
    assert line[problems[0].place.column - 1 :].startswith("#nowhere")


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("## 🚨 Alerts & Pages", "-alerts--pages"),
        ("## 🚨 Alerts & Pages", "alerts-pages"),
        ("## What is `up`?", "what-is-up"),
        ("## See [here](https://example.org)", "see-here"),
        ("## Twice\n\n## Twice", "twice-1"),
        ('<a id="own"></a>\n\n## Named', "own"),
        ("## Named {#given}", "given"),
    ],
)
def test_anchors_are_made_as_the_usual_sites_make_them(heading: str, anchor: str) -> None:
    assert not told(a_document(queries=f"{QUERIES}\n{heading}\n\n[x](#{anchor})\n"), "PC116")


def test_a_sentence_is_joined_to_the_query_that_its_alerts_rule_holds_against_the_same_number() -> (
    None
):
    from playcall.core.alert_rule import Rule

    rule = Rule(alert="DiskAlmostFull", expr="max(fs_used) > 0.9", labels=(), line=1)
    document = a_document(queries="").encode()
    plan = compile_document(document, "disks.md", [rule]).plan

    assert plan is not None
    symptom, _ = plan.plays[0].criteria
    assert (symptom.query, symptom.threshold) == ("max(fs_used)", 0.9)


def test_a_sentence_is_joined_to_the_only_query_beside_it_that_shares_its_words() -> None:
    beside = "\n```promql\n# How full\nmax(node_disk_used_ratio)\n```\n"
    play = PLAY.replace("#### Actions", f"{beside}\n#### Actions").replace(
        "Disk usage", "Full disk"
    )
    plan = compiled(a_document(play=play, queries="")).plan

    assert plan is not None
    assert {c.query for c in plan.plays[0].criteria if c.purpose.value == "symptom"} == {
        "max(node_disk_used_ratio)"
    }


@pytest.mark.parametrize(
    ("line", "columns"),
    [
        ("`[a](#no)` [b](#no)", [16]),
        ("``a ` [a](#no)`` [b](#no)", [22]),
        ("`[a](#no) [b](#no)", [6, 15]),
        ("``[a](#no)` [b](#no)", [7, 17]),
    ],
    ids=["code", "a tick within code", "a tick that opens nothing", "other numbers of ticks"],
)
def test_what_only_looks_like_a_link_within_code_is_left_alone(
    line: str, columns: list[int]
) -> None:
    found = [p for p in compiled(f"{a_document()}\n{line}\n").problems if p.code == "PC116"]

    assert [problem.place.column for problem in found] == columns


TREE = """\
### DiskAlmostFull

**Severity:** CRITICAL

#### Symptoms
- Disk usage >90%

#### Actions

1. **Decide**

   ```
   Is it known?
       ├─ NO → Look
       └─ YES
           ├─ Is it quick?
           │   ├─ YES → Mend
           │   └─ NO → Wait
{second}   ```

2. Verify disk usage <80% for 5 minutes
"""
SECOND = "           └─ Is it risky?\n               ├─ YES → Wait\n               └─ NO → Mend\n"


def test_two_questions_below_one_answer_are_told() -> None:
    found = compiled(a_document(play=TREE.format(second=SECOND))).problems

    [problem] = [p for p in found if p.code == "PC119"]
    assert "'Is it quick?' and 'Is it risky?'" in problem.what
    assert problem.place.column == 11
    assert not told(a_document(play=TREE.format(second="")), "PC119")


BACK = "## Rollback\n\n```bash\n{0}\n```\n"


@pytest.mark.parametrize(
    ("section", "run", "count"),
    [
        ("kubectl scale deployment/disk --replicas=0", "./scripts/rollback.sh --now", 1),
        ("./scripts/rollback.sh", "./scripts/rollback.sh --now", 0),
        ("kubectl get pods", "./scripts/rollback.sh", 0),
        ("kubectl scale deployment/disk --replicas=0", "./scripts/clean.sh", 0),
        ("kubectl scale deployment/disk --replicas=0", "kubectl rollout undo deploy/disk", 0),
    ],
    ids=["other commands", "the same script", "only looks", "another script", "no script"],
)
def test_a_script_that_is_not_the_way_back_of_the_document_is_told(
    section: str, run: str, count: int
) -> None:
    play = PLAY.replace("   df -h", f"   {run}")

    assert len(told(f"{a_document(play=play)}\n{BACK.format(section)}", "PC424")) == count


@pytest.mark.parametrize(
    ("allowed", "found"),
    [
        ("<2 minutes", ["PC408", "PC423"]),
        ("<5 minutes", []),
        ("<1 hour", ["PC408"]),
    ],
)
def test_times_that_do_not_fit_each_other_are_told(allowed: str, found: list[str]) -> None:
    asked = f"**Severity:** CRITICAL\n**Response Time:** {allowed}"
    play = PLAY.replace("**Severity:** CRITICAL", asked)

    assert [c for c in codes(a_document(play=play)) if c in ("PC408", "PC423")] == found


@pytest.mark.parametrize(
    ("name", "known"),
    [("Team Lead", True), ("Lead", True), ("team lead of the day", True), ("ML", False)],
)
def test_a_role_is_known_by_whole_words(name: str, known: bool) -> None:
    rows = f"| On-Call Primary | Ann | +1 555 0100 |\n| {name} | Bo | +1 555 0101 |\n"
    contacts = f"## Contacts\n\n| Role | Name | Phone |\n|---|---|---|\n{rows}"

    assert bool(told(f"{a_document()}\n{contacts}", "PC421")) is not known
