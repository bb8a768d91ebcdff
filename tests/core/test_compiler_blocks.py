"""Code blocks and code in sentences: what is a command, and what is another language."""

import pytest

from playcall.core.plan import EffectClass
from tests.core.compiling import PLAY, a_document, codes, plan_of, play_of


def step_with(below: str) -> str:
    text = "".join(f"   {line}\n" for line in below.split("\n"))
    return a_document(play=f"{PLAY}\n3. **More**\n\n{text}")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("logql", '{app="web"} |= "error" | json'),
        ("sql", "SELECT pid, query\nFROM pg_stat_activity;"),
        ("sql", "DELETE FROM jobs WHERE id = 7;"),
        ("yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web"),
        ("", "NAME    READY   STATUS\nweb-0   1/1     Running"),
        ("", "make sure that nobody is logged in"),
    ],
)
def test_other_languages_are_told_from_shell_and_kept(language: str, text: str) -> None:
    step = play_of(step_with(f"```\n{text}\n```")).phases[0].steps[-1]

    assert step.commands == ()
    assert [(m.language, m.text) for m in step.materials] == [(language, text)]


@pytest.mark.parametrize(
    "query",
    [
        'sum(rate(http_requests_total{code="500"}[5m])) > 5',
        "node_disk_io_seconds >= 3",
        "histogram_quantile(0.99,\n  sum(rate(seconds_bucket[5m])) by (le))",
        'up{job="web"} == 0\nup{job="db"} == 0',
    ],
)
def test_promql_without_a_tag_is_a_query(query: str) -> None:
    plan = plan_of(step_with(f"```\n{query}\n```"))

    assert query.split("\n")[0] in {q.promql.split("\n")[0] for q in plan.queries}
    assert plan.plays[0].phases[0].steps[-1].materials == ()


def test_a_command_in_a_sentence_is_offered_and_never_runs_unasked() -> None:
    text = step_with("Look with `kubectl get pods -n web`; do not `systemctl restart web` twice.")
    commands = play_of(text).phases[0].steps[-1].commands

    assert [(c.text, c.effect) for c in commands] == [
        ("kubectl get pods -n web", EffectClass.HEAVY),
        ("systemctl restart web", EffectClass.CHANGE),
    ]
    assert all("only offered" in command.reasons[-1] for command in commands)
    assert codes(text) == []


@pytest.mark.parametrize(
    "words",
    ["`kubectl exec`", "`oc logs`", "`no space left on device`", "`kubectl get ...`", "`up == 0`"],
)
def test_a_mere_name_in_a_sentence_is_no_command(words: str) -> None:
    assert play_of(step_with(f"See {words} for more.")).phases[0].steps[-1].commands == ()


def test_an_indented_block_holds_commands_too() -> None:
    step = play_of(step_with("Look around:\n\n    $ df -h\n    $ free -m")).phases[0].steps[-1]

    assert [command.text for command in step.commands] == ["df -h", "free -m"]


def test_promql_with_a_shells_tag_and_slashes_for_comments_is_no_command() -> None:
    query = "topk(5,\nsum by (node) (used)\n)"
    text = f"# DiskFull\n\n## Diagnosis\n\n```sh\n// the fullest\n{query}\n```\n"
    plan = plan_of(text)

    assert not list(plan.plays[0].commands())
    assert [(q.name, q.promql) for q in plan.queries] == [("the fullest", query)]
    assert not {"PC201", "PC304"} & set(codes(text))


def test_promql_with_a_shells_tag_is_a_query() -> None:
    plan = plan_of(
        "# DiskFull\n\n## Diagnosis\n\nAsk in the console:\n\n```console\n"
        "(disk_used_bytes / disk_size_bytes) * 100\n```\n\n"
        "```sh\nsum by(job) (rate(errors[5m])) > 0\n```\n"
    )

    assert [query.promql for query in plan.queries] == [
        "(disk_used_bytes / disk_size_bytes) * 100",
        "sum by(job) (rate(errors[5m])) > 0",
    ]
    assert not list(plan.plays[0].commands())


def test_a_comment_within_a_query_does_not_cut_it() -> None:
    plan = plan_of(
        "# DiskFull\n\n## Diagnosis\n\n```promql\n# slow or broken\nsum(rate(slow[5m]))\nor\n"
        "# the broken ones\nsum(rate(broken[5m]))\n```\n"
    )

    assert [query.name for query in plan.queries] == ["slow or broken"]


def test_what_a_command_prints_is_shown_and_not_run() -> None:
    plan = plan_of(
        "# DiskFull\n\n## Diagnosis\n\n```bash\ndf -h\n```\n\n"
        "If the output is similar to the example below, it is full:\n\n"
        "```bash\nWarning  Full  3m  kubelet  0/6 nodes have room: 1 (of 6)\n```\n"
    )
    (step,) = plan.plays[0].phases[0].steps

    assert [command.text for command in step.commands] == ["df -h"]
    assert [material.text.split()[0] for material in step.materials] == ["Warning"]
