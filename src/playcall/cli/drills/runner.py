"""Runs one drill: a range and Playcall beside it, the fault, the responder, the end, the report."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from drillrange.faults import FAULTS, Fault
from playcall.cli.drills.evidence import evidence, recorded
from playcall.cli.drills.script import Scripted
from playcall.cli.scene import Scene, SceneFailed
from playcall.core.drill import Evidence, Expectation, Outcome
from playcall.core.drill_report import Drill
from playcall.core.plan import Plan

T = TypeVar("T")
Tell = Callable[[str], None]

CALM_SECONDS = 8.0  # without an alert, before a fault is put in
UNREST_SECONDS = 150.0  # that it may take to calm down
DIAGNOSTICS_SECONDS = 120.0
PERSON_SECONDS = 3600.0
SETTLING = timedelta(minutes=2)  # true time after a change, until the next one is given
ALERT = timedelta(minutes=25)  # true time until an alert must have fired
RECOVERY = timedelta(minutes=45)
ATTEMPTS = 3  # to see the incident's record after its end


class Busy(Exception):
    """Alerts fire without a fault: the machine has not the power that a drill needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all drills of one run share."""

    playbook: Path
    plan: Plan
    digest: str
    factor: float
    person: bool  # a person responds, and not the script
    tell: Tell

    def compressed(self, true: timedelta, least: float) -> float:
        """Seconds on the drill's clock."""
        if self.person:
            return PERSON_SECONDS
        return max(least, true.total_seconds() / self.factor)


def run_drill(setting: Setting, scripted: Scripted, root: Path) -> Drill:
    """Raises nothing of what can go wrong in a drill: that is its outcome."""
    run = _Run(setting, scripted, FAULTS[scripted.fault])
    try:
        with contextlib.ExitStack() as stack:
            run.play(Scene(root, setting.playbook, setting.factor, stack))
    except Busy as error:
        return run.ended(Outcome.SKIPPED, str(error))
    except (SceneFailed, OSError) as error:
        return run.ended(Outcome.FAILED, str(error))
    return run.ended(Outcome.FAILED if run.why else Outcome.PASSED, run.why)


class _Run:
    """One drill, from its range to its end."""

    def __init__(self, setting: Setting, scripted: Scripted, fault: Fault) -> None:
        self._setting = setting
        self._scripted = scripted
        self._fault = fault
        self._scene: Scene
        self._incident = 0
        self._broken_at = self._now()
        self._healed_at: datetime | None = None
        self._evidence: Evidence | None = None
        self.why = ""

    def play(self, scene: Scene) -> None:
        """Raises SceneFailed, Busy."""
        self._scene = scene
        with self._telling("bringing the range and Playcall up"):
            scene.bring_up_range()
            scene.start_server()
        with self._telling("waiting for calm"):
            self._wait_for_calm()
        self._broken_at = self._now()
        scene.fault("inject", self._fault.name)
        self._tell(f"FAULT IN: {self._fault.about}")
        try:
            self._respond()
        finally:
            with contextlib.suppress(SceneFailed, OSError):
                self._gather()
            if self._healed_at is None:  # or it would stay for the next drill's range
                self._heal()

    def ended(self, outcome: Outcome, why: str) -> Drill:
        setting, scripted = self._setting, self._scripted
        return Drill(
            name=scripted.name,
            document=setting.playbook.name,
            digest=setting.digest,
            fault=scripted.fault,
            about=self._fault.about,
            outcome=outcome,
            why=why,
            incident=self._incident or None,
            evidence=self._evidence or self._nothing(),
        )

    # --- the responder

    def _respond(self) -> None:
        self._incident = self._wait_for_alert()
        self._tell(f"incident {self._incident} is open")
        self._await("the diagnostics", self._diagnosed, DIAGNOSTICS_SECONDS)
        if self._setting.person:
            self._tell(f"YOUR TURN: sign in with {self._scene.sign_in_link()}")
        else:
            self._post("acknowledge", {})
            for name in self._scripted.take:
                self._take(name)
            for part in self._scripted.approve:
                self._approve(part)
        if self._scripted.expect is Expectation.CLEARS:
            self._heal()
        self._await("recovery", self._recovered, self._setting.compressed(RECOVERY, 120))
        if not self._setting.person:
            unproven = self._detail()["status"] != "recovered"
            self._post("resolve", {"cause": self._scripted.cause, "unverified": unproven})
        self._await("the post-mortem", self._reported, self._setting.compressed(RECOVERY, 60))

    def _take(self, name: str) -> None:
        """Give a placeholder the likeliest value that Playcall offers."""

        def offered() -> dict[str, str]:
            """Empty until there is one."""
            found = self._scene.get(f"/incidents/{self._incident}/values")
            offers = [offer for one in found if one["name"] == name for offer in one["offers"]]
            return offers[0] if offers else {}

        offer = self._await(f"an offer for {name}", offered, DIAGNOSTICS_SECONDS)
        self._post("values", {"name": name, "value": offer["value"]})
        self._tell(f"{name} is {offer['value']}, {offer['found']}")

    def _approve(self, part: str) -> None:
        command = next(c for c in self._detail()["commands"] if part in c["as_written"])
        self._post("approve", {"command": command["id"]})

        def ended() -> dict[str, Any]:
            """Empty until it has."""
            found = next(c for c in self._detail()["commands"] if c["id"] == command["id"])
            run: dict[str, Any] = found["run"] or {}
            return run if run.get("ended_at") else {}

        run = self._await(f"“{command['title']}”", ended, DIAGNOSTICS_SECONDS)
        self._tell(f"“{command['title']}” {run['status']}")
        if run["status"] != "succeeded":
            self.why = f"“{command['title']}” {run['status']}: {run['summary']}"
        settled = time.monotonic() + self._setting.compressed(SETTLING, 5)
        self._await("its effect", lambda: time.monotonic() > settled, PERSON_SECONDS)

    def _heal(self) -> None:
        self._scene.fault("heal", self._fault.name)
        self._healed_at = self._now()
        self._tell("fault taken away")

    # --- what to wait for

    def _wait_for_calm(self) -> None:
        """Traffic flows and no alert fires, nor is about to. Raises Busy."""
        deadline = time.monotonic() + UNREST_SECONDS
        calm_since = time.monotonic()
        while time.monotonic() - calm_since < CALM_SECONDS:
            if unrest := self._unrest():
                calm_since = time.monotonic()
            if time.monotonic() > deadline:
                raise Busy(f"without any fault: {unrest or 'alerts come and go'}")
            time.sleep(0.5)

    def _wait_for_alert(self) -> int:
        """Raises SceneFailed. A fault may miss its mark where a processor's speed changes under it,
        so it is put in once more before the wait is given up."""
        seconds = self._setting.compressed(ALERT, 60)
        try:
            return self._await("the alert", self._opened, seconds)
        except SceneFailed:
            self._tell("no alert yet: the fault is put in once more")
            self._scene.fault("inject", self._fault.name)
        return self._await("the alert", self._opened, seconds)

    def _unrest(self) -> str:
        alerts = self._scene.ask_prometheus("ALERTS")
        names = sorted({found["metric"].get("alertname", "") for found in alerts})
        if names:
            return f"{', '.join(names)}; this machine is too busy for drills"
        moved = self._scene.ask_prometheus("sum(increase(dwcp_v3_migrations_total[5s])) > 0")
        return "" if moved else "nothing is moved"

    def _detail(self) -> Any:
        return self._scene.get(f"/incidents/{self._incident}")

    def _opened(self) -> int:
        found = self._scene.get("/incidents")
        return next((int(i["id"]) for i in found if i["play"] == self._scripted.alert), 0)

    def _diagnosed(self) -> bool:
        runs = [c["run"] for c in self._detail()["commands"] if c["run"]]
        return not any(run["status"] in ("pending", "running") for run in runs)

    def _recovered(self) -> bool:
        found = self._detail()
        if found["status"] in ("recovered", "resolved", "closed"):
            return True
        if self._scripted.expect is Expectation.UNPROVEN:
            return not found["firing"]
        provable = any(c["purpose"] == "recovery" and c["query"] for c in found["criteria"])
        return not provable and not found["firing"]

    def _reported(self) -> bool:
        return any(entry["kind"] == "ReportWritten" for entry in self._detail()["timeline"])

    # --- the record

    def _gather(self) -> None:
        setting = self._setting
        ended_at = self._now()
        prometheus = self._scene.addresses.prometheus
        watched, fired = asyncio.run(
            recorded(setting.plan, prometheus, setting.factor, self._broken_at, ended_at)
        )
        known = self._known(ended_at)
        if self._incident:
            self._evidence = evidence(self._detail(), watched, fired, **known)
        else:
            self._evidence = Evidence(
                milestones=(), changes=(), looks=(), watched=watched, fired=fired, **known
            )

    def _nothing(self) -> Evidence:
        known = self._known(self._now())
        return Evidence(milestones=(), changes=(), looks=(), watched=(), fired=(), **known)

    def _known(self, ended_at: datetime) -> dict[str, Any]:
        return {
            "alert": self._scripted.alert,
            "neighbours": self._fault.neighbours,
            "factor": self._setting.factor,
            "broken_at": self._broken_at,
            "healed_at": self._healed_at,
            "ended_at": ended_at,
        }

    # --- talking

    def _post(self, verb: str, body: dict[str, Any]) -> None:
        self._scene.post(f"/incidents/{self._incident}/{verb}", body)

    def _await(self, what: str, look: Callable[[], T], seconds: float) -> T:
        with self._telling(f"waiting for {what}"):
            return self._scene.wait_for(look, what, seconds)

    @contextlib.contextmanager
    def _telling(self, words: str) -> Iterator[None]:
        self._tell(f"{words} ...")
        yield

    def _tell(self, words: str) -> None:
        self._setting.tell(words)

    @staticmethod
    def _now() -> datetime:
        return datetime.now(UTC)
