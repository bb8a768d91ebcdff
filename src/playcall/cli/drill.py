"""`playcall drill`: break the service on purpose, let Playcall respond, say what was learned."""

import argparse
import contextlib
import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playcall.cli.drills.script import Scripted
    from playcall.core.drill_report import Drill
    from playcall.core.drilled import Kept
    from playcall.core.plan import Plan

EXAMPLE = Path("examples/dwcp-v3/playbooks.md")
FACTOR = 20.0
STALE_DAYS = 30
NOTHING_DRILLED = 3


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "drill", help="break the service, let Playcall respond, and see what the playbook does"
    )
    parser.add_argument("document", nargs="?", type=Path, help=f"default: {EXAMPLE}")
    parser.add_argument("alerts", nargs="*", metavar="ALERT", help="plays, or names of drills")
    parser.add_argument("--all", action="store_true", help="every drill of the script")
    parser.add_argument("--me", action="store_true", help="you respond, not the script")
    parser.add_argument("--rounds", type=int, default=1, help="times that each drill is run")
    parser.add_argument("--factor", type=float, default=FACTOR, help="compresses the clock")
    parser.add_argument("--script", type=Path, help="default: drills.toml beside the document")
    parser.add_argument("--keep", type=Path, help="where reports are kept")
    parser.add_argument("--json", action="store_true", help="the results for programs")
    parser.add_argument(
        "--history", action="store_true", help="what was proven when; drills nothing"
    )
    parser.add_argument("--stale-after", type=int, default=STALE_DAYS, metavar="DAYS")


def run(args: argparse.Namespace) -> int:
    from playcall.cli.drills.script import FILE, BadScript, read_script
    from playcall.core.compiler import compile_document
    from playcall.core.drill import Expectation, Outcome
    from playcall.drillreports import home

    document, names = _document(args)
    try:
        source = document.read_bytes()
    except OSError as error:
        return _refuse(f"{document}: {error.strerror}. Name a playbook: playcall drill DOCUMENT")
    plan = compile_document(source, document.name).plan
    if plan is None:
        return _refuse(f"{document} does not compile. See: playcall check {document}")
    kept_at = (args.keep or home()).resolve()
    if args.history:
        return _tell_history(plan, kept_at, args)
    if not 1 <= args.factor <= 60 or args.rounds < 1:
        return _refuse("--factor takes 1 to 60, --rounds a number above 0")
    if not args.all and not names:
        return _refuse("name an alert, or give --all")
    from drillrange.faults import FAULTS

    try:
        script = read_script(args.script or document.parent / FILE, plan, FAULTS)
        chosen = _chosen(script, names, every=args.all)
    except BadScript as error:
        return _refuse(str(error))
    with _interruptible():
        done = _Drills(args, document, plan, kept_at).run(chosen)
    _tell_others(plan, script)
    if args.json:
        from playcall.cli.drills.history import record

        print(json.dumps([record(drill) for drill in done]))
    outcomes = {drill.outcome for drill in done}
    if Outcome.FAILED in outcomes:
        return 1
    planned = any(one.expect is not Expectation.NOT_YET for one in chosen)
    return 0 if Outcome.PASSED in outcomes or not planned else NOTHING_DRILLED


def _document(args: argparse.Namespace) -> tuple[Path, list[str]]:
    """The first word is a document, or already an alert."""
    words = [*([str(args.document)] if args.document else []), *args.alerts]
    if words and (Path(words[0]).exists() or words[0].endswith(".md")):
        return Path(words[0]), words[1:]
    return EXAMPLE, words


def _chosen(script: "Sequence[Scripted]", names: Sequence[str], *, every: bool) -> "list[Scripted]":
    """Raises BadScript for a name that there is not."""
    from playcall.cli.drills.script import BadScript

    for name in names:
        if not any(name in (one.name, one.alert) for one in script):
            known = ", ".join(one.name for one in script)
            raise BadScript(f"no drill is called {name!r}, and none is for it. There are: {known}")
    return [one for one in script if every or one.name in names or one.alert in names]


class _Drills:
    """All the drills of one call, told as they go."""

    def __init__(self, args: argparse.Namespace, document: Path, plan: "Plan", kept: Path) -> None:
        self._args = args
        self._document = document
        self._plan = plan
        self._kept = kept
        self._started = time.monotonic()

    def run(self, chosen: "Sequence[Scripted]") -> "list[Drill]":
        from playcall.core.drill import Expectation

        private = self._enter_private_network()
        done = []
        for round_ in range(self._args.rounds):
            for scripted in chosen:
                missing = self._missing(scripted, private)
                if scripted.expect is Expectation.NOT_YET or missing:
                    if not round_:
                        kind = "skipped" if missing else "not yet"
                        self._tell(f"{scripted.name}: {kind}: {missing or scripted.why}")
                    continue
                done.append(self._drill(scripted, round_))
        return done

    def _drill(self, scripted: "Scripted", round_: int) -> "Drill":
        from playcall.cli.drills.history import keep
        from playcall.cli.drills.runner import Setting, run_drill

        self._tell(f"{scripted.name}: {scripted.alert}, round {round_ + 1} of {self._args.rounds}")
        setting = Setting(
            playbook=self._document,
            plan=self._plan,
            digest=self._plan.digest,
            factor=self._args.factor,
            person=self._args.me,
            tell=lambda words: self._tell(f"  {words}"),
        )
        folder = self._kept / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{scripted.name}"
        drill = run_drill(setting, scripted, folder)
        path = keep(drill, folder)
        why = f": {drill.why}" if drill.why else ""
        self._tell(f"{scripted.name}: {drill.outcome.upper()}{why}")
        self._tell_findings(drill)
        self._tell(f"  report: {path}")
        return drill

    def _tell_findings(self, drill: "Drill") -> None:
        from playcall.core.drill import findings
        from playcall.core.drill_report import KINDS

        for finding in findings(drill.evidence):
            self._tell(f"  {KINDS[finding.kind]}: {finding.words}")

    def _enter_private_network(self) -> str:
        """Why there is none; empty when this process is on one now."""
        from drillrange import namespace

        if self._args.me:
            return "with --me your browser must reach the range"
        if refusal := namespace.refusal():
            return refusal
        self._kept.mkdir(parents=True, exist_ok=True)
        namespace.enter(self._kept / ".hosts")
        return ""

    def _missing(self, scripted: "Scripted", private: str) -> str:
        from drillrange.faults import FAULTS

        if FAULTS[scripted.fault].private and private:
            return f"it needs a network of its own, and there is none: {private}"
        return ""

    def _tell(self, words: str) -> None:
        stream = sys.stderr if self._args.json else sys.stdout
        print(f"{time.monotonic() - self._started:6.1f} s  {words}", file=stream, flush=True)


def _tell_others(plan: "Plan", script: "Sequence[Scripted]") -> None:
    """Plays of the document that no drill is for."""
    for play in plan.plays:
        if not any(one.alert == play.alert for one in script):
            print(f"{play.alert}: no drill is written for it", file=sys.stderr)


def _tell_history(plan: "Plan", kept_at: Path, args: argparse.Namespace) -> int:
    from playcall.core.drilled import last_proven
    from playcall.drillreports import kept

    reports = kept(kept_at)
    now = datetime.now(UTC)
    stale = False
    for play in plan.plays:
        proven = last_proven(reports, play.alert)
        state = _state(proven, plan.digest, now, timedelta(days=args.stale_after))
        stale = stale or not state.startswith("proven")
        print(f"{play.alert}: {state}")
    return 1 if stale else 0


def _state(proven: "Kept | None", digest: str, now: datetime, after: timedelta) -> str:
    if proven is None:
        return "never proven"
    when = f"{proven.at:%Y-%m-%d %H:%M} UTC by drill {proven.drill}"
    if now - proven.at > after:
        return f"stale: last proven {when}"
    if proven.digest != digest:
        return f"proven {when}, with another version of the document"
    return f"proven {when}"


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """TERM and HUP end a drill as Ctrl-C does: nothing is left running."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    yield


def _refuse(words: str) -> int:
    print(words, file=sys.stderr)
    return 2
