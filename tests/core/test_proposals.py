"""What is proposed for a document, and above all what is not: it is proven, or not proposed."""

from dataclasses import replace

import pytest

from playcall.core import events as ev
from playcall.core.alert_rule import Rule
from playcall.core.compiler import compile_document
from playcall.core.incident import RunStatus, Status
from playcall.core.proposals import Kind, propose
from playcall.core.proposals.patch import patched, unified
from playcall.core.proposals.values import Edit
from playcall.testing import NOON, minutes
from tests.core.proposing import (
    DOCUMENT,
    NAME,
    a_record,
    broken,
    changed,
    edited,
    failed,
    of,
    proposed,
    ran,
    resolved,
    the_plan,
)

BAD_RANGE = "curl: (3) bad range in URL position 37:"


def test_a_query_that_no_shell_runs_is_put_into_a_form_that_runs() -> None:
    found = proposed(a_record(7, ran("1.1"), ran("1.2")))
    query, promtool = found.proposals
    assert query.edit is not None
    assert query.edit.new == (
        "   curl -s -G http://prometheus:9090/api/v1/query"
        ' --data-urlencode "query=rate(queue_total[5m])"',
    )
    assert promtool.edit is not None
    assert promtool.edit.new == (
        "   promtool query instant http://prometheus:9090 'rate(queue_total[5m])'",
    )
    assert "1 time in 1 incident" in query.reason
    (proof,) = query.evidence
    assert (proof.incident, proof.event, proof.what) == (7, 2, "succeeded: 1 series")


def test_without_an_answer_or_a_run_nothing_is_known_to_work() -> None:
    assert proposed(a_record(7, ran("1.1", "no data"))).proposals == ()
    assert proposed(a_record(7)).proposals == ()
    assert proposed().proposals == ()


def test_a_server_is_not_guessed_where_the_document_names_none_or_two() -> None:
    other = DOCUMENT.replace(
        "# Elsewhere", "curl -s 'http://other:9090/api/v1/query?query=up'\n\n   # Elsewhere"
    )
    for text in (other, DOCUMENT.replace("http://prometheus:9090/api/v1/query", "http://x/q")):
        found = proposed(a_record(7, ran("1.2"), plan=the_plan(text)), text=text)
        (one,) = found.proposals
        assert one.edit is None
        assert "http://prometheus:9090" in one.advice
        assert found.patch == b""


def test_a_command_that_failed_for_what_it_says_is_quoted_and_left_to_a_person() -> None:
    found = proposed(
        a_record(
            7,
            failed("1.3", BAD_RANGE, 3),
            failed("2.1", "cat: /nowhere/notes.txt: No such file or directory"),
        )
    )
    assert [(one.kind, one.line, one.edit) for one in found.proposals] == [
        (Kind.COMMAND, 21, None),
        (Kind.COMMAND, 26, None),
    ]
    assert BAD_RANGE in of(found, 21).reason


@pytest.mark.parametrize(
    "error",
    [
        "curl: (7) Failed to connect to 127.0.0.1 port 9",
        "curl: (28) Operation timed out",
        "dial tcp: lookup api: no such host: connection refused",
        "Error from server (Forbidden): denied",
        "bash: line 1: jq: command not found",
        "something nobody has heard of",
    ],
)
def test_the_world_is_no_fault_of_the_document_until_it_failed_every_time(error: str) -> None:
    records = [a_record(n, failed("1.3", error, 7)) for n in (1, 2, 3)]
    assert proposed(*records[:2]).proposals == ()
    (one,) = proposed(*records).proposals
    assert (one.edit, one.incidents) == (None, (1, 2, 3))
    once = a_record(4, ran("1.3", "fine"))
    assert proposed(*records, once).proposals == ()


def test_a_time_out_and_a_failure_that_says_nothing_prove_nothing() -> None:
    records = [a_record(n, ran("1.3", "timed out", RunStatus.TIMED_OUT)) for n in range(1, 5)]
    silent = [a_record(n, ran("1.3", "exit code 1", RunStatus.FAILED)) for n in range(1, 5)]
    assert proposed(*records).proposals == ()
    assert proposed(*silent).proposals == ()


@pytest.mark.parametrize(
    "better",
    ["curl -s -g 'http://127.0.0.1:9/series?match[5m]=queue'", "curl -s http://127.0.0.1:9/series"],
)
def test_what_a_person_had_it_run_with_is_put_in_when_it_succeeded(better: str) -> None:
    found = proposed(a_record(7, failed("1.3", BAD_RANGE, 3), *edited("1.3", better)))
    (one,) = found.proposals
    assert one.edit is not None
    assert one.edit.new == (f"   {better}",)
    assert [each.event for each in one.evidence] == [2, 5]
    assert f"+   {better}\n".encode() in found.patch


@pytest.mark.parametrize(
    "text",
    [
        "curl -s http://127.0.0.1:9/series -H 'Authorization: [redacted]'",
        "curl -s http://127.0.0.1:9/series/web-7f9",  # a label of the alert
        "curl -s http://127.0.0.1:9/series\n--- a/x\n+++ b/x",
        "curl -s \x1b[31mhttp://127.0.0.1:9/series",
        "curl -s http://127.0.0.1:9/series\u202e",
        "rm -rf /var/lib/queue",  # not what the command was for: it changes something
        "curl -s http://127.0.0.1:9/series # <!-- playcall: ignore=PC207 -->",
        "```",
    ],
)
def test_secrets_values_markers_and_changes_never_get_into_the_patch(text: str) -> None:
    record = a_record(7, failed("1.3", BAD_RANGE, 3), *edited("1.3", text), pod="web-7f9")
    found = proposed(record)
    assert [one.edit for one in found.proposals] == [None]
    assert found.patch == b""


def test_an_edited_text_that_also_failed_is_not_known_to_work() -> None:
    text = "curl -s -g http://127.0.0.1:9/series?match[5m]=queue"
    worse = (*edited("1.3", text)[:2], replace(failed("1.3", "x"), run="1/1.3/2"))
    records = a_record(7, failed("1.3", BAD_RANGE, 3), *edited("1.3", text)), a_record(8, *worse)
    assert [one.edit for one in proposed(*records).proposals] == [None]


def test_an_error_moves_no_terminal() -> None:
    error = "\x1b[31mno such file or directory\x1b[0m\x07 +++ b/x"
    (one,) = proposed(a_record(7, failed("2.1", error))).proposals
    assert not any(ord(char) < 32 or ord(char) == 127 for char in one.reason)


def test_a_change_that_nothing_verifies_gets_a_last_step_in_the_documents_style() -> None:
    found = proposed(a_record(7, *changed()))
    (one,) = found.proposals
    assert one.kind is Kind.VERIFICATION
    assert one.edit is not None
    assert one.edit.new == (
        "",
        "4. **Verify Recovery**",
        "   - Verify queue latency <=500ms for 2 minutes",
    )
    assert one.edit.line == 33
    (proof,) = one.evidence
    assert (proof.incident, proof.event) == (7, 3)
    assert proposed(a_record(7, ran("1.1", "no data"))).proposals == ()


def test_a_play_that_measures_nothing_is_left_to_a_person() -> None:
    text = DOCUMENT.replace("- Queue latency >500ms for 2 minutes", "- It is slow")
    found = proposed(a_record(7, *changed(), plan=the_plan(text)), text=text)
    (one,) = found.proposals
    assert (one.kind, one.edit) == (Kind.VERIFICATION, None)
    assert "measured" in one.advice


def test_a_limit_is_brought_to_what_the_alert_fires_by_after_three_incidents() -> None:
    rule = Rule(alert="QueueSlow", expr="queue_latency_seconds > 0.8", labels=(), line=4)
    records = [a_record(n) for n in (1, 2, 3)]
    assert propose(DOCUMENT.encode(), NAME, (rule,), records[:2]).proposals == ()  # type: ignore[union-attr]
    found = propose(DOCUMENT.encode(), NAME, (rule,), records)
    assert found is not None
    (one,) = [one for one in found.proposals if one.kind is Kind.THRESHOLD]
    assert one.edit is not None
    assert one.edit.new == ("- Queue latency >800ms for 2 minutes",)
    same = Rule(alert="QueueSlow", expr="queue_latency_seconds > 0.5", labels=(), line=4)
    again = propose(DOCUMENT.encode(), NAME, (same,), records)
    assert again is not None
    assert again.proposals == ()


def test_a_recovery_that_was_never_reached_is_told_with_its_figures() -> None:
    text = DOCUMENT.replace(
        "## Queries", "4. **Close**\n   - Verify queue latency <500ms for 5 minutes\n\n## Queries"
    )
    plan = the_plan(text)
    records = [
        a_record(n, resolved(), plan=plan, readings=broken(0.6 + n / 100)) for n in (1, 2, 3)
    ]
    (one,) = proposed(*records, text=text).proposals
    assert (one.kind, one.edit, one.line) == (Kind.THRESHOLD, None, 35)
    assert "610 ms to 630 ms (median 620 ms)" in one.reason
    assert proposed(*records[:2], text=text).proposals == ()
    proved = a_record(4, ev.Recovered(at=NOON), resolved(), plan=plan, readings=broken(1))
    assert proposed(*records, proved, text=text).proposals == ()


def test_an_alert_that_comes_to_nothing_is_told_from_five_incidents_on() -> None:
    quiet = [a_record(n) for n in range(1, 6)]
    assert proposed(*quiet[:4]).proposals == ()
    (one,) = proposed(*quiet).proposals
    assert (one.kind, one.edit) == (Kind.THRESHOLD, None)
    assert "nothing in 5 of 5 incidents" in one.reason
    busy = [a_record(n, *changed()) for n in (6, 7)]
    assert not [p for p in proposed(*quiet, *busy).proposals if p.kind is Kind.THRESHOLD]


def test_a_step_that_everyone_skipped_is_called_optional_from_three_incidents_on() -> None:
    records = [a_record(n, skipped=True) for n in (1, 2, 3)]
    (one,) = proposed(*records).proposals
    assert (one.kind, one.line) == (Kind.STEP, 29)
    assert one.edit is not None
    assert one.edit.new == ("3. **Drain (optional)**",)
    assert proposed(*records[:2]).proposals == ()
    begun = ev.CommandBegun(at=NOON, command="3.1", run="4/3.1/1")
    assert proposed(*records, a_record(4, begun, skipped=True)).proposals == ()
    still = a_record(4, skipped=True, status=Status.OPEN)
    assert of(proposed(*records, still), 29).incidents == (1, 2, 3)


def test_what_has_a_condition_or_needs_a_person_was_not_skipped() -> None:
    drain = "   ```bash\n   kubectl rollout restart deployment/queue"
    for text in (
        DOCUMENT.replace(drain, f"   **If it is full:**\n{drain}"),
        DOCUMENT.replace("rollout restart deployment/queue", "edit deployment/queue"),
        DOCUMENT.replace(drain, f"   - Ask the owner\n{drain}"),
    ):
        records = [a_record(n, skipped=True, plan=the_plan(text)) for n in (1, 2, 3)]
        assert not [p for p in proposed(*records, text=text).proposals if p.line >= 29]


def test_a_response_time_that_nobody_ever_met_is_told() -> None:
    missed = ev.TargetMissed(at=NOON + minutes(5), target=minutes(5))
    late = ev.Acknowledged(at=NOON + minutes(12), by="ada")
    records = [a_record(n, missed, late) for n in (1, 2, 3)]
    (one,) = proposed(*records).proposals
    assert (one.kind, one.edit) == (Kind.TARGET, None)
    assert "within 5 min; those who did needed 12 min" in one.reason
    met = a_record(4)
    assert proposed(*records, met).proposals == ()


def test_one_incident_has_what_it_proves_and_what_others_prove_with_it() -> None:
    records = a_record(1, ran("1.1")), a_record(2, *changed()), a_record(3)
    assert [one.kind for one in proposed(*records, about=1).proposals] == [Kind.COMMAND]
    assert [one.kind for one in proposed(*records, about=2).proposals] == [Kind.VERIFICATION]
    assert proposed(*records, about=3).proposals == ()


def test_a_document_that_was_edited_since_is_proposed_for_as_it_is_now() -> None:
    moved = DOCUMENT.replace("# Playbook\n", "# Playbook\n\nNew words.\n")
    found = proposed(a_record(7, ran("1.1")), text=moved)
    assert [one.line for one in found.proposals] == [17]
    assert found.other == (7,)
    mended = DOCUMENT.replace(
        '"http://prometheus:9090/api/v1/query?query=rate(queue_total[5m])"',
        '-G http://prometheus:9090/api/v1/query --data-urlencode "query=rate(queue_total[5m])"',
    )
    assert proposed(a_record(7, ran("1.1")), text=mended).proposals == ()
    assert proposed(a_record(7, ran("1.1"))).other == ()


def test_applied_the_faults_are_gone_and_nothing_more_is_proposed() -> None:
    records = [a_record(n, ran("1.1"), ran("1.2"), *changed()) for n in (1, 2, 3)]
    found = proposed(*records)
    edits = [one.edit for one in found.proposals if one.edit]
    after = patched(DOCUMENT.encode(), DOCUMENT.splitlines(), edits)
    codes = [one.code for one in compile_document(after, NAME).problems]
    assert len(edits) == 3
    assert not {"PC204", "PC411"} & set(codes)
    assert codes.count("PC203") == 1  # the one that nothing is known for
    again = [a_record(n, *changed(), plan=the_plan(after.decode())) for n in (1, 2, 3)]
    assert proposed(*again, text=after.decode()).proposals == ()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("a\nb\n".encode("utf-16"), "UTF-16"),
        (b"a\rb\r", "carriage return"),
        (b"a\0b\n", "NUL"),
    ],
)
def test_what_no_patch_program_reads_is_refused_in_words(data: bytes, why: str) -> None:
    with pytest.raises(Exception, match=why):
        unified(data, ["a", "b"], [Edit(line=1, old=("a",), new=("c",), what="")], "x.md")
