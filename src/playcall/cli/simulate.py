"""`playcall simulate`: a week of alerts, past or made up, played through settings and document."""

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from playcall.cli import foresight, remote
from playcall.cli.console import harmless, paint

if TYPE_CHECKING:
    from playcall.core.alert import Alert
    from playcall.core.simulation import Simulation

AFTERWARDS = timedelta(hours=1)  # how long is looked on after the last alert


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "simulate", help="play alerts of the past, or made-up ones, through settings and document"
    )
    parser.add_argument("settings", type=Path, help="a settings file")
    parser.add_argument(
        "alerts",
        type=Path,
        help="Alertmanager's webhooks or /api/v2/alerts, one JSON document a line; - for stdin",
    )
    parser.add_argument(
        "--acknowledged-after",
        type=remote.minutes,
        metavar="5m",
        help="when the first who is paged acknowledges; default: never",
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> int:
    from playcall.core.simulation import simulate
    from playcall.intake.history import BadHistory, read_history
    from playcall.settings import BadSettings

    given = args.acknowledged_after
    after = timedelta(minutes=given) if given is not None else None
    try:
        data = sys.stdin.buffer.read() if str(args.alerts) == "-" else args.alerts.read_bytes()
        alerts = read_history(data)
        seen = foresight.read(args.settings, after)
    except OSError as error:
        print(f"{args.alerts}: {error.strerror}", file=sys.stderr)
        return 2
    except BadHistory as error:
        print(f"{args.alerts}: {error}", file=sys.stderr)
        return 2
    except BadSettings as error:
        print(error, file=sys.stderr)
        return 2
    alerts = tuple(_with_an_end_that_can_be(alert) for alert in alerts)
    last = max(alert.ends_at or alert.starts_at for alert in alerts)
    found = simulate(seen.world, alerts, last + seen.lasting(AFTERWARDS))
    if args.json:
        calls = [asdict(call) for call in found.calls]
        print(json.dumps({"incidents": len(found.incidents), "calls": calls}, default=str))
    else:
        _tell(alerts, found)
    return 0


def _with_an_end_that_can_be(alert: "Alert") -> "Alert":
    if alert.ends_at is None or alert.ends_at >= alert.starts_at:
        return alert
    name = harmless(alert.name) or "an alert without a name"
    print(
        f"{name} of {alert.starts_at:%Y-%m-%d %H:%M:%S} UTC ends before it begins "
        f"({alert.ends_at:%Y-%m-%d %H:%M:%S}): it is played as one that does not clear.",
        file=sys.stderr,
    )
    return replace(alert, ends_at=None)


def _tell(alerts: "tuple[Alert, ...]", found: "Simulation") -> None:
    for number, incident in found.incidents.items():
        title = f"Incident {number}, {incident.severity}, {incident.opened_at:%a %d %b %H:%M} UTC"
        print(paint(f"{title}: {harmless(incident.title)}", "bold"))
        for call in found.calls:
            if call.incident == number:
                print(f"    {harmless(foresight.line(call, incident.opened_at))}")
    pages = Counter(call.person or "NOBODY" for call in found.calls if call.wakes)
    print(f"\n{len(alerts)} alerts, {len(found.incidents)} incidents, {pages.total()} pages.")
    for person, count in pages.most_common():
        print(f"    {count:>5}  {harmless(person)}")
