"""`playcall incidents [N]`: the list, or everything about one."""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from playcall.cli import remote
from playcall.cli.console import harmless, harmless_lines, paint
from playcall.cli.entries import say_entry
from playcall.cli.instants import clock, moment
from playcall.core.wording import say_value

MOST_UNHEARD = 10  # shown
_COLOURS = {"succeeded": "green", "failed": "red", "unknown": "red", "timed out": "red"}


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("incidents", help="list incidents, or show one")
    parser.add_argument("incident", nargs="?", type=int, help="its number")
    parser.add_argument("--live", action="store_true", help="leave out what is over")
    parser.add_argument("--json", action="store_true", help="for programs")
    remote.add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    if args.incident:
        return show(args, args.incident, as_json=args.json)
    try:
        found = remote.ask(args, f"/incidents?live={args.live}").json()
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(found, indent=2))
    else:
        _list(found)
        _list_unheard(args)
    return 0


def show(args: argparse.Namespace, incident: int, *, as_json: bool) -> int:
    """One of them; the exit code."""
    try:
        found = remote.ask(args, f"/incidents/{incident}").json()
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        _show(found)
    return 0


def _list(found: list[dict[str, Any]]) -> None:
    if not found:
        print("No incidents.")
    for incident in found:
        who = incident["acknowledged_by"] or "nobody has it"
        if incident.get("merged_into"):
            who = f"into incident {incident['merged_into']}"
        if incident["play"] is None:
            who += ", no play"
        if incident["quiet"]:
            who += ", pages held"
        state = f"{incident['severity']} {incident['status']}, {who}"
        print(f"{incident['id']:>5}  {paint(state, 'bold')}  {harmless(incident['title'])}")
        if incident["unreached"]:
            print(f"{'':7}{paint(harmless(incident['unreached']), 'red')}")


def _list_unheard(args: argparse.Namespace) -> None:
    """What opened no incident, so that it is not looked for in vain."""
    try:
        unheard = remote.ask(args, "/alerts/unheard").json()
    except remote.Declined:  # an older server
        return
    if unheard:
        print(f"\nCame and went before anybody was called, in the last day: {len(unheard)}")
    for alert in unheard[:MOST_UNHEARD]:
        print(f"       {alert['starts_at'][:19]}  {harmless(alert['title'])}")


def _show(found: dict[str, Any]) -> None:
    print(paint(f"Incident {found['id']}: {harmless(found['title'])}", "bold"))
    print(f"{found['severity']}, {found['status']}, fired {moment(found['fired_at'])}")
    for note in found["notes"]:
        print(paint(f"{harmless(note)}.", "yellow"))
    for line in _kin(found):
        print(paint(line, "yellow"))
    if found["acknowledged_by"]:
        print(f"Acknowledged by {found['acknowledged_by']}")
    _show_response(found)
    for criterion in found["criteria"]:
        _show_criterion(criterion)
    print()
    for command in found["commands"]:
        _show_command(command)
    print()
    for entry in found["timeline"]:
        pin = f" [{entry['pin']}]" if entry["pin"] else ""
        print(f"{entry['n']:>5}  {clock(entry['at'])}{pin}  {say_entry(entry)}")


def _kin(found: dict[str, Any]) -> Iterator[str]:
    """What it was merged into, or split off from."""
    if found["merged_into"]:
        yield f"Merged into incident {found['merged_into']}, which goes on with its alerts"
    if found["split_from"]:
        yield f"Split off from incident {found['split_from']}"
    for said, others in (("Merged into it", "absorbed"), ("Split off from it", "split_off")):
        if found[others]:
            yield f"{said}: incident {', '.join(map(str, found[others]))}"


def _show_criterion(criterion: dict[str, Any]) -> None:
    if criterion["query"] is None:
        said = "cannot be measured, look at it yourself"
    elif criterion["value"] is None:
        said = "not measured yet" if criterion["read_at"] is None else "no data"
    else:
        said = say_value(criterion["value"], criterion["unit"])
    print(f"  {criterion['verdict']:>8}  {harmless(criterion['text'])}: {said}")


def _show_response(found: dict[str, Any]) -> None:
    """Who does what, whether pages are held, who is next."""
    if found["assigned_to"]:
        print(f"Assigned to {found['assigned_to']}")
    for part, people in found["parts"].items():
        print(f"{part.capitalize()}: {harmless(', '.join(people))}")
    if found["quiet"]:
        until = clock(found["quiet"]["until"])
        print(f"Pages are held until {until}: {harmless(found['quiet']['reason'])}")
    if found["unreached"]:
        print(paint(harmless(found["unreached"]), "red"))
    if found["unbound"]:
        names = harmless(", ".join(found["unbound"]))
        print(paint(f"Nobody is bound to {names}: the first rung is paged instead", "red"))
    if found["target_missed"]:
        print(paint("The response target was missed", "red"))
    following = found["next"]
    if following:
        whom = harmless(" and ".join(following["roles"]))
        again = f", round {following['round']}" if following["round"] > found["round"] else ""
        print(f"Next: {whom} at {clock(following['at'])}{again}")
    for tree in found["trees"]:
        if tree["asked"] and tree["due"]:
            print(f"Asked: {harmless(tree['asked']['text'])} (playcall decide {found['id']})")


def _show_command(command: dict[str, Any]) -> None:
    run = command["run"]
    status = run["status"] if run else "-"
    colour = _COLOURS.get(status, "dim")
    guard = f" [{command['guard']}]" if command["guard"] else ""
    after = f" (after {run['after']})" if run and run["after"] else ""
    print(
        f"  {command['id']:>5}  {command['effect']:<8} {paint(f'{status:<10}', colour)} "
        f"{harmless(command['title'])}{harmless(guard)}{after}"
    )
    asked = command["ask"]
    idle = not run or asked["asked_by"]
    if asked["effect"] == "change" and idle:  # nobody approves what they cannot read
        for line in harmless_lines(asked["diff"] or command["as_written"]):
            print(f"{'':27}{paint(line, 'dim')}")
    if asked["asked_by"]:
        agreed = f"{' and '.join(asked['approved_by'])} approved it" if asked["approved_by"] else ""
        waits = agreed or f"{asked['asked_by']} asks for an approval"
        print(f"{'':27}{harmless(waits)}; it waits until {asked['expires_at'][11:19]} UTC")
    if command["missing"] and not run:
        print(f"{'':27}needs a value for {harmless(', '.join(command['missing']))}: playcall set")
    if run and run["where"]:
        place = f"on {run['where']} as {run['whom']}"
        print(f"{'':27}{paint(harmless(place), 'dim')}")
    if run and run["summary"]:
        print(f"{'':27}{harmless(run['summary'])}")
