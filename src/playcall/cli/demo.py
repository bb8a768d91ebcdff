"""`playcall demo`: the whole way once, on this machine, with nothing pretended.

Brings a range up, serves the example playbook beside it, breaks DWCP v3, and stays until the
incident is closed and its post-mortem written. A person presses the buttons, or `--hands-off` does.
"""

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from playcall.cli.scene import Scene, SceneFailed

T = TypeVar("T")

PLAYBOOK = Path("examples/dwcp-v3/playbooks.md")
PLAY = "DWCPv3LatencyP99Critical"
REMEDY = "STREAM_COUNT=16"
CAUSE = "Transport streams were paced to 40 MB/s; more streams made up for it."
FAULT = "amst-pacing"
FACTOR = 20.0
HANDS_OFF_SECONDS = 240.0
PERSON_SECONDS = 1800.0


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("demo", help="see one incident through, on this machine")
    parser.add_argument("--hands-off", action="store_true", help="approve and resolve by itself")
    parser.add_argument("--directory", default="demo", help="where it keeps its files")
    parser.add_argument("--factor", type=float, default=FACTOR, help="compresses the clock")


def run(args: argparse.Namespace) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with contextlib.ExitStack() as stack:
            _Demo(args, stack).play()
    except SceneFailed as error:
        print(f"\nThe demo stopped: {error}", file=sys.stderr)
        return 1
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


class _Demo:
    """One run, told as it goes."""

    def __init__(self, args: argparse.Namespace, stack: contextlib.ExitStack) -> None:
        from rich.console import Console

        root = Path(args.directory).resolve() / f"{datetime.now():%Y%m%d-%H%M%S}"
        self._hands_off: bool = args.hands_off
        self._factor: float = args.factor
        self._scene = Scene(root, PLAYBOOK, args.factor, stack)
        self._console = Console(highlight=False, soft_wrap=True, markup=False)
        self._started = time.monotonic()
        self._incident = 0

    def play(self) -> None:
        if not PLAYBOOK.exists():
            raise SceneFailed(f"{PLAYBOOK} is not here. Run it from the project's root.")
        self._say(f"Everything of this demo is in {self._scene.root}")
        self._say(
            f"COMPRESSED CLOCK: five minutes of the document last {300 / self._factor:g} s "
            f"(factor {self._factor:g})."
        )
        with self._status("Starting DWCP v3, the pocket cluster, Prometheus and Alertmanager"):
            self._scene.bring_up_range()
        with self._status("Starting Playcall"):
            self._scene.start_server()
        address = self._scene.addresses.playcall
        self._say(f"Pages and API: {address}")
        self._say(f"Status page, as the public sees it: {address}/status")
        if not self._hands_off:
            self._say(f"Sign in with: {self._scene.sign_in_link()}")
        broken_at = datetime.now().astimezone()
        self._scene.fault("inject", FAULT)
        self._say("FAULT IN: the kernel now paces every transport stream to 40 MB/s.")
        self._see_through()
        self._scene.fault("heal", FAULT)
        self._sum_up(broken_at)
        if not self._hands_off:
            self._stay()

    def _stay(self) -> None:
        """The pages are worth a look after the end, and they end with this process."""
        self._console.print(f"Look around at {self._scene.addresses.playcall}; Ctrl-C ends it all.")
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()

    def _see_through(self) -> None:
        self._incident = self._await(
            "Waiting for Prometheus to fire and Alertmanager to deliver", self._opened
        )
        page = f"{self._scene.addresses.playcall}/incidents/{self._incident}"
        self._say(f"PAGED: incident {self._incident} is open: {page}")
        self._say(f"Who was told, and when: {page}#told")
        self._await("Diagnostics are running", self._diagnosed)
        self._tell_diagnostics()
        self._press("acknowledge", {}, f"acknowledge incident {self._incident}")
        self._await("Waiting for the acknowledgement", lambda: self._detail()["acknowledged_by"])
        command = next(c["id"] for c in self._detail()["commands"] if REMEDY in c["as_written"])
        self._press("approve", {"command": command}, f"approve command {command}: {REMEDY}")
        self._await("Waiting for the approval", lambda: self._remedied(command))
        self._await(
            "Waiting until PromQL proves it: P99 < 500 ms for the whole window",
            lambda: self._detail()["status"] in ("recovered", "resolved", "closed"),
        )
        self._press("resolve", {"cause": CAUSE}, "resolve it, with the cause")
        self._await("Waiting for the resolution, the silence and the post-mortem", self._reported)

    # --- what to wait for

    def _detail(self) -> Any:
        return self._scene.get(f"/incidents/{self._incident}")

    def _opened(self) -> int:
        found = self._scene.get("/incidents")
        return next((int(i["id"]) for i in found if i["play"] == PLAY), 0)

    def _diagnosed(self) -> bool:
        runs = [c["run"] for c in self._detail()["commands"] if c["run"]]
        return bool(runs) and not any(r["status"] in ("pending", "running") for r in runs)

    def _remedied(self, command: str) -> bool:
        run = next(c["run"] for c in self._detail()["commands"] if c["id"] == command)
        if run and run["status"] in ("failed", "timed out", "unknown"):
            raise SceneFailed(f"command {command} {run['status']}: {run['summary']}")
        return bool(run) and run["status"] == "succeeded"

    def _reported(self) -> bool:
        """With what was measured."""
        kinds = [entry["kind"] for entry in self._detail()["timeline"]]
        measured = kinds.index("MetricsReviewed") if "MetricsReviewed" in kinds else len(kinds)
        return "ReportWritten" in kinds[measured:]

    def _await(self, words: str, look: Callable[[], T]) -> T:
        with self._status(words):
            seconds = HANDS_OFF_SECONDS if self._hands_off else PERSON_SECONDS
            return self._scene.wait_for(look, words, seconds)

    # --- talking

    def _press(self, verb: str, body: dict[str, Any], words: str) -> None:
        if not self._hands_off:
            self._say(f"YOUR TURN: {words}.")
            return
        self._scene.post(f"/incidents/{self._incident}/{verb}", body)
        self._say(f"Hands off: {words}.")

    def _tell_diagnostics(self) -> None:
        for command in self._detail()["commands"]:
            run = command["run"]
            if run:
                summary = " ".join(run["summary"].split())[:100]
                self._say(f"  {command['id']:>4} {command['title']}: {run['status']}, {summary}")

    @contextlib.contextmanager
    def _status(self, words: str) -> Iterator[None]:
        if self._console.is_terminal:
            with self._console.status(words):
                yield
        else:
            self._say(f"{words} ...")
            yield

    def _say(self, words: str) -> None:
        self._console.print(f"{time.monotonic() - self._started:6.1f} s  {words}")

    def _sum_up(self, broken_at: datetime) -> None:
        incident = self._detail()
        self._console.print("\nSince the fault:")
        for words, at in _milestones(incident):
            if at:
                self._console.print(f"{(at - broken_at).total_seconds():8.1f} s  {words}")
        for other in self._scene.get("/incidents"):
            if other["id"] != incident["id"]:
                self._console.print(f"Also opened: incident {other['id']} {other['title']}")
        mails = len(list(self._scene.mail.glob("*.eml")))
        self._console.print(f"Mails received: {mails}, in {self._scene.mail}")
        report = self._scene.reports / f"incident-{incident['id']}.md"
        self._console.print(f"Post-mortem: {report}")


def _milestones(incident: dict[str, Any]) -> list[tuple[str, datetime | None]]:
    """From the incident's own record, each at its true time."""
    first: dict[str, datetime] = {}
    for entry in incident["timeline"]:
        first.setdefault(entry["kind"], _instant(entry["at"]))
    runs = [c["run"] for c in incident["commands"] if c["run"] and c["run"]["ended_at"]]
    looks = [_instant(run["ended_at"]) for run in runs if not run["approved_by"]]
    changes = [_instant(run["ended_at"]) for run in runs if run["approved_by"]]
    good = [c["since"] for c in incident["criteria"] if c["purpose"] == "recovery" and c["since"]]
    return [
        ("alert fired", _instant(incident["fired_at"])),
        ("page handed over", first.get("PageDelivered")),
        ("stakeholders told", first.get("StakeholdersTold")),
        ("status page updated", first.get("UpdatePublished")),
        ("first diagnostic finished", min(looks, default=None)),
        ("approved", first.get("RunApproved")),
        ("remedy done", max(changes, default=None)),
        ("P99 good again, since", _instant(good[0]) if good else None),
        ("resolved", first.get("Resolved")),
    ]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
