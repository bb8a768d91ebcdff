"""Every command of a playbook is run through Playcall on the range, and how each ended is told.

`python -m tests.drills.commands DOCUMENT --files examples/dwcp-v3 --json > found.json`. For each
play a range and a Playcall of their own, a fault that the play is for, and its alert by way of
Alertmanager; then whatever did not run by itself is approved, in the order of the document.
"""

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from drillrange import namespace
from drillrange.faults import FAULTS
from playcall.cli.scene import Scene, SceneFailed
from playcall.core.approvals import needed_people
from playcall.core.compiler import compile_document
from playcall.core.plan import Command, Plan

FACTOR = 20.0
ALERT_SECONDS = 60.0  # for the fault's own alert; then it is put into Alertmanager by hand
COMMAND_SECONDS = 120.0
ROLLBACK_SECONDS = 600.0
UNKNOWN_ALERT = "DWCPv3NobodyKnows"  # that no play is for
UNKNOWN_FAULT = "bad-source"  # errors, for the essential commands to find
SECOND_FAULTS = {"DWCPv3ErrorRateCritical": "bad-release"}  # for `rollout undo` to undo
CALM_SECONDS = 90.0
PEOPLE = ("ada", "alan")
VALUES = {"dwcp-v3-pod": "dwcp-v3-pod", "destination-host": "destination-host", "i": "1"}
NEVER_GIVEN = "192.0.2.7"  # for an address that nothing printed
WAITING = ("pending", "running")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How one command ended."""

    line: int
    command: str
    title: str
    effect: str
    how: str  # "as written", "mended", "asked of Prometheus"; "": it did not run
    as_run: str
    outcome: str
    exit_code: int | None
    finding: str


def row(command: Command, run: Mapping[str, Any] | None, why_not: str = "") -> Row:
    """`run` is its row of the ledger; without one, `why_not` says what kept it from running."""
    return Row(
        line=command.line,
        command=command.id,
        title=command.title,
        effect=run["effect"] if run else command.effect,
        how=_how(command) if run else "",
        as_run=run["as_run"] if run else "",
        outcome=run["outcome"] if run else "not run",
        exit_code=run["exit_code"] if run else None,
        finding=_one_line(run["summary"] if run else why_not),
    )


def _how(command: Command) -> str:
    if command.runs_as is None:
        return "as written"
    return "asked of Prometheus" if command.runs_as.kind == "promql" else "mended"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def say(found: Row) -> str:
    ended = found.outcome if found.exit_code is None else f"{found.outcome} ({found.exit_code})"
    return f"{found.line:4}  {found.effect:7}  {found.how or '-':19}  {ended:13}  {found.finding}"


def total(rows: Sequence[Row]) -> str:
    outcomes = [one.outcome for one in rows]
    counts = ", ".join(f"{outcomes.count(each)} {each}" for each in sorted(set(outcomes)))
    return f"{len(rows)} commands: {counts}"


class Stage:
    """One incident on a range of its own, and the two people who respond."""

    def __init__(self, scene: Scene, plan: Plan, alert: str) -> None:
        self._scene = scene
        self._plan = plan
        self._play = plan.play(alert)
        self._alert = alert
        self._incident = 0
        self._refused: dict[str, str] = {}

    def run(self, commands: Sequence[Command]) -> list[Row]:
        """What does not run by itself is approved, one after the other."""
        self._open()
        self._settle()
        self._post("acknowledge", {})
        self._give_values()
        self._settle()
        for command in commands:
            if command.id not in self._runs():
                self._approve(command)
        return self._rows(commands)

    def roll_back(self, commands: Sequence[Command]) -> list[Row]:
        """Asked for by one, approved by the other. Where it halts, the step is left to a person's
        hands, and it goes on with the next."""
        self._open()
        self._settle()
        steps = [each.id for each in commands if not each.id.endswith(".proof")]
        begin: str | None = ""
        while begin is not None:
            self._post("rollback/ask", {"reason": "every command is to run", "begin": begin})
            self._post("rollback/approve", {}, PEOPLE[1])
            stood = self._scene.wait_for(self._stands_at, "the rollback's end", ROLLBACK_SECONDS)
            begin = next((later for each, later in pairwise(steps) if each == stood), None)
        return self._rows(commands)

    # --- the incident

    def _open(self) -> None:
        self._scene.bring_up_range()
        with contextlib.suppress(SceneFailed):  # else it goes on without
            self._scene.wait_for(self._calm, "calm", CALM_SECONDS)
        self._scene.start_server()
        fault = next((f.name for f in FAULTS.values() if f.alert == self._alert), UNKNOWN_FAULT)
        self._scene.fault("inject", fault)
        if self._alert in SECOND_FAULTS:
            self._scene.fault("inject", SECOND_FAULTS[self._alert])
        if self._play:
            with contextlib.suppress(SceneFailed):
                self._incident = self._scene.wait_for(self._opened, "alert", ALERT_SECONDS)
                return
        self._fire()
        self._incident = self._scene.wait_for(self._opened, "the incident", ALERT_SECONDS)

    def _calm(self) -> bool:
        moved = self._scene.ask_prometheus("sum(increase(dwcp_v3_migrations_total[15s])) > 0")
        return bool(moved) and not self._scene.ask_prometheus("ALERTS")

    def _fire(self) -> None:
        ends = datetime.now(UTC) + timedelta(hours=1)
        labels = {"alertname": self._alert, "severity": "critical", "team": "oncall"}
        alert = {"labels": labels, "annotations": {}, "endsAt": ends.isoformat()}
        url = f"{self._scene.addresses.alertmanager}/api/v2/alerts"
        httpx.post(url, json=[alert], trust_env=False).raise_for_status()

    def _opened(self) -> int:
        found = self._scene.get("/incidents")
        wanted = self._alert if self._play else None
        return next((int(i["id"]) for i in found if i["play"] == wanted), 0)

    # --- the people

    def _give_values(self) -> None:
        for one in self._scene.get(f"/incidents/{self._incident}/values"):
            if one["missing"] and one["commands"]:
                offered = [offer["value"] for offer in one["offers"]]
                value = VALUES.get(one["name"]) or next(iter(offered), NEVER_GIVEN)
                self._post("values", {"name": one["name"], "value": value})

    def _approve(self, command: Command) -> None:
        needed = needed_people(command, self._play.alert if self._play else None, self._plan)
        try:
            for person in PEOPLE[:needed]:
                self._post("approve", {"command": command.id}, person)
            self._scene.wait_for(lambda: self._ended(command.id), "its end", COMMAND_SECONDS)
        except SceneFailed as why:
            self._refused[command.id] = str(why).partition("\n")[0]

    # --- what became of it

    def _settle(self) -> None:
        """What runs by itself has run."""
        self._scene.wait_for(
            lambda: not any(run["outcome"] in WAITING for run in self._runs().values()),
            "the end of what runs by itself",
            COMMAND_SECONDS,
        )

    def _ended(self, command: str) -> bool:
        run = self._runs().get(command)
        return run is not None and run["outcome"] not in WAITING

    def _stands_at(self) -> str:
        """The step at which it halted, or "done"; empty while it runs."""
        found = self._scene.get(f"/incidents/{self._incident}/rollback")
        if found["stage"] == "done":
            return "done"
        states = [(step["id"], step["state"]) for step in found["steps"]]
        stopped = [step for step, state in states if state not in ("", "done", "by hand")]
        return stopped[0] if found["stage"] == "halted" else ""

    def _runs(self) -> dict[str, dict[str, Any]]:
        """Of each command the first."""
        found: dict[str, dict[str, Any]] = {}
        for run in self._scene.get(f"/incidents/{self._incident}/runs"):
            found.setdefault(run["command"], run)
        return found

    def _rows(self, commands: Sequence[Command]) -> list[Row]:
        runs = self._runs()
        return [row(each, runs.get(each.id), self._refused.get(each.id, "")) for each in commands]

    def _post(self, verb: str, body: dict[str, Any], by: str = PEOPLE[0]) -> None:
        self._scene.post(f"/incidents/{self._incident}/{verb}", body, by)


Act = Callable[[Stage, Sequence[Command]], list[Row]]


class Stages:
    """Of one document, one after the other."""

    def __init__(self, document: Path, files: Path | None, root: Path) -> None:
        self._document = document
        self._files = files
        self._root = root
        self.failed: list[str] = []  # plays whose range, alert or server did not come up
        self.plan = _plan(document)

    def play(self, only: str | None) -> Iterator[Row]:
        for alert, commands, act in self._acts():
            if only not in (None, alert):
                continue
            _tell(f"{alert}: {len(commands)} commands")
            try:
                with self._stage(alert) as stage:
                    yield from act(stage, commands)
            except SceneFailed as error:
                self.failed.append(alert)
                yield from (row(each, None, str(error)) for each in commands)

    def _acts(self) -> Iterator[tuple[str, Sequence[Command], Act]]:
        for play in self.plan.plays:
            yield play.alert, play.commands(), Stage.run
        yield UNKNOWN_ALERT, self.plan.essentials, Stage.run
        if back := self.plan.rollback:
            yield UNKNOWN_ALERT, (*back.commands, *back.proofs), Stage.roll_back

    @contextlib.contextmanager
    def _stage(self, alert: str) -> Iterator[Stage]:
        with contextlib.ExitStack() as stack:
            root = Path(tempfile.mkdtemp(prefix="stage-", dir=self._root))
            scene = Scene(root / "scene", self._document, FACTOR, stack, self._files)
            yield Stage(scene, self.plan, alert)


def _plan(document: Path) -> Plan:
    plan = compile_document(document.read_bytes(), document.name).plan
    if plan is None:
        raise SystemExit(f"{document} does not compile. See: playcall check {document}")
    return plan


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drills.commands", description=__doc__)
    parser.add_argument("document", type=Path)
    parser.add_argument("--files", type=Path, help="what its commands find; default: beside it")
    parser.add_argument("--only", metavar="ALERT", help=f"or {UNKNOWN_ALERT}, which has no play")
    parser.add_argument("--json", action="store_true", help="the outcomes for programs")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="commands-") as root:
        if refusal := namespace.refusal():
            print(f"On the machine's own network, since {refusal}", file=sys.stderr)
        else:
            namespace.enter(Path(root) / "hosts")
        rows = []
        stages = Stages(args.document, args.files, Path(root))
        for found in stages.play(args.only):
            rows.append(found)
            if not args.json:
                print(say(found), flush=True)
    if args.json:
        print(json.dumps([asdict(one) for one in rows], indent=1))
    _tell(total(rows))
    if stages.failed:
        _tell(f"Not played to its end: {', '.join(stages.failed)}")
    return 1 if stages.failed or not rows else 0


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
