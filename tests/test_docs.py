"""The papers say what the code does: nothing that can be set, asked or installed is left out."""

import re
import tomllib
from pathlib import Path

import pytest

from playcall import (
    channelfile,
    responsefile,
    reviewfile,
    rotafile,
    runnerfile,
    settings,
    statusfile,
    tellingfile,
    ticketfile,
    watchfile,
)
from playcall.cli import COMMANDS
from playcall.core.decide import ACCEPTED
from playcall.web import oncall, twilio
from playcall.web.server import API

ROOT = Path(__file__).parent.parent
PAPERS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def keys() -> list[str]:
    tables = {
        "server": settings.Server,
        "documents": settings.Documents,
        "intake": settings.IntakeTable,
        "prometheus": settings.PrometheusTable,
        "alertmanager": settings.AlertmanagerTable,
        "mail": channelfile.MailTable,
        "slack": channelfile.SlackTable,
        "twilio": channelfile.TwilioTable,
        "push": channelfile.PushTable,
        "apprise": channelfile.AppriseTable,
        "pagerduty": channelfile.PagerDutyTable,
        "opsgenie": channelfile.OpsgenieTable,
        "watchdog": watchfile.WatchdogTable,
        "test_page": watchfile.TestPageTable,
        "peers.NAME": watchfile.PeerTable,
        "response": responsefile.ResponseTable,
        "approvals": responsefile.ApprovalsTable,
        "updates": tellingfile.UpdatesTable,
        "review": reviewfile.ReviewTable,
        "review.figures": reviewfile.FigureTable,
        "maintenance": settings.MaintenanceTable,
        "webhook": channelfile.WebhookTable,
        "status_page": statusfile.StatusPageTable,
        "status_page.components": statusfile.ComponentTable,
        "status_page.statuspage": statusfile.StatuspageTable,
        "status_page.instatus": statusfile.InstatusTable,
        "status_page.cachet": statusfile.CachetTable,
        "tickets": ticketfile.TicketsTable,
        "runner": runnerfile.RunnerTable,
        "targets.NAME": runnerfile.TargetTable,
        "people.NAME": channelfile.PersonTable,
        "schedules.NAME": rotafile.ScheduleTable,
        "layers": rotafile.LayerTable,
        "rules": rotafile.RuleTable,
    }
    nested = [
        f"{name}.{field}" for name, t in tables.items() for field in t.__struct_encode_fields__
    ]
    return [*nested, "on_call", "facts", "placeholders", "pace"]


@pytest.mark.parametrize("key", keys())
def test_every_setting_is_documented(key: str) -> None:
    assert f"`{key}`" in read("docs/settings.md")


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_in_the_readme(command: str) -> None:
    assert re.search(rf"`?playcall {command}\b", read("README.md")) or command == "demo"


def test_every_endpoint_is_documented() -> None:
    routers = [*API, oncall.feeds, twilio.router]
    paths = {getattr(route, "path", "") for router in routers for route in router.routes}
    assert len(paths) > 15
    for path in paths:
        assert path.replace(":path", "") in read("docs/http-api.md"), path


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = project["optional-dependencies"].values()
    listed = [*project["dependencies"], *(line for extra in extras for line in extra)]
    for line in listed:
        name = re.split(r"[\[<>=]", line)[0]
        assert f"`{name}`" in read("docs/dependencies.md"), name


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(paper: Path) -> None:
    text = re.sub(r"```.*?```", "", paper.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target:
            assert (paper.parent / target).exists(), f"{paper}: {target}"


def test_the_diagram_has_every_status() -> None:
    drawn = read("docs/how-it-works.md")
    for status in {status for accepted in ACCEPTED.values() for status in accepted}:
        assert f" {status}" in drawn


def test_the_readme_has_exactly_two_set_up_commands() -> None:
    made = re.findall(r"^make \w+$", read("README.md"), flags=re.MULTILINE)
    assert made == ["make demo", "make test"]


def test_the_playbook_in_the_readme_is_understood() -> None:
    from playcall.core.compiler import compile_document

    found = re.search(r"````markdown\n(.*?)````", read("README.md"), flags=re.DOTALL)
    assert found
    plan = compile_document(found[1].encode(), "README.md").plan
    assert plan
    (play,) = plan.plays
    assert [command.effect for command in play.commands()] == ["observe", "change"]
    (criterion,) = play.criteria
    assert (criterion.query, criterion.threshold) == ("max(disk_used_ratio)", 0.8)
    assert criterion.holds_for.total_seconds() == 300


def test_the_settings_of_the_page_about_schedules_are_good(tmp_path: Path) -> None:
    schedules, rules = re.findall(r"```toml\n(.*?)```", read("docs/on-call.md"), flags=re.DOTALL)
    (tmp_path / "secret").write_text("s", "utf-8")
    text = (
        '[documents]\nplaybook = "x.md"\n[mail]\nhost = "h"\nsender = "s"\n'
        '[webhook]\nsecret_file = "secret"\n'
        + "".join(f'[people.{n}]\nname = "{n}"\n' for n in ("bob", "cleo", "dan", "kim", "lee"))
        + rules
        + schedules
    )
    (tmp_path / "playcall.toml").write_text(text, "utf-8")
    found = settings.read_settings(tmp_path / "playcall.toml")
    assert len(found.people["ada"].rules) == 3
    assert len(found.schedules["first"].layers) == 3
