"""`playcall oncall`: who is on call, now or at any moment, and what is wrong with that."""

import argparse
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from playcall.cli import remote
from playcall.cli.console import harmless, paint

WEEK, MONTH = 7, 30  # days


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("oncall", help="who is on call, and when")
    parser.add_argument("--at", help="a moment, as 2026-03-29T09:00+02:00; default now")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--week", action="store_true", help="the shifts of seven days")
    what.add_argument(
        "--gaps", action="store_true", help="when nobody is on call in 30 days; 1 if ever"
    )
    what.add_argument(
        "--proven", action="store_true", help="when a test page last reached each person; 1 if not"
    )
    what.add_argument("--calendars", action="store_true", help="addresses for calendar programs")
    parser.add_argument("--json", action="store_true", help="for programs")
    remote.add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    query = {"days": MONTH if args.gaps else WEEK} | ({"at": args.at} if args.at else {})
    try:
        found = remote.ask(args, f"/on-call?{urlencode(query)}").json()
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    unmeant = any(s["gaps"] and not s["part_time"] for s in found["schedules"])
    if args.json:
        print(json.dumps(found, indent=2))
    elif args.calendars:
        _calendars(found)
    elif args.proven:
        _proven(found)
    else:
        if not found["schedules"]:
            print("No schedules. The roles of [on_call] have people of their own.")
        for schedule in found["schedules"]:
            _schedule(schedule, args)
        if not (args.week or args.gaps):
            _roles(found)
    unproven = any(
        m["failure"] or not m["tested_at"] for p in found["people"] for m in p["methods"]
    )
    return 1 if (args.gaps and unmeant) or (args.proven and unproven) else 0


def _schedule(schedule: Mapping[str, Any], args: argparse.Namespace) -> None:
    zone = ZoneInfo(schedule["zone"])
    print(paint(f"{harmless(schedule['name'])} ({schedule['zone']})", "bold"))
    if args.week:
        for shift in schedule["shifts"]:
            print(f"  {_span(shift, zone)}  {_people(shift['people'])}")
    elif not args.gaps:
        _now(schedule, zone)
    if args.week or args.gaps:
        _gaps(schedule, zone)
    if schedule["trouble"]:
        print(f"  {paint('!', 'red')} {harmless(schedule['trouble'])}")


def _now(schedule: Mapping[str, Any], zone: ZoneInfo) -> None:
    fallback = ", ".join(schedule["fallback"])
    nobody = f"nobody; {fallback} stands in" if fallback else "nobody"
    people = _people(schedule["on_call"]) if schedule["on_call"] else paint(nobody, "red")
    until = f" until {_moment(schedule['until'], zone)}" if schedule["until"] else ""
    print(f"  {people}{until}")
    following = schedule["following"]
    if following:
        print(f"  then {_people(following['people'])} from {_moment(following['starts_at'], zone)}")


def _gaps(schedule: Mapping[str, Any], zone: ZoneInfo) -> None:
    meant = " (meant)" if schedule["part_time"] else ""
    for gap in schedule["gaps"]:
        word = f"nobody{meant}"
        print(f"  {_span(gap, zone)}  {word if meant else paint(word, 'red')}")
    for overlap in schedule["overlaps"]:
        print(f"  {_span(overlap, zone)}  {_people(overlap['people'])} at once")
    if not schedule["gaps"]:
        print("  no gaps")


def _roles(found: Mapping[str, Any]) -> None:
    for role in found["roles"]:
        people = _people(role["people"]) if role["people"] else paint("nobody", "red")
        print(f"{harmless(role['role'])}: {people}")


def _proven(found: Mapping[str, Any]) -> None:
    for person in found["people"]:
        print(paint(harmless(person["name"]), "bold"))
        for method in person["methods"]:
            print(f"  {method['channel']}: {_proof(method)}")


def _proof(method: Mapping[str, Any]) -> str:
    if not method["tested_at"]:
        return paint("never proven", "red")
    at = f"{_moment(method['tested_at'], ZoneInfo('UTC'))} UTC"
    return paint(f"{at} failed: {harmless(method['failure'])}", "red") if method["failure"] else at


def _calendars(found: Mapping[str, Any]) -> None:
    for named in (*found["schedules"], *found["people"]):
        print(f"{harmless(named['name'])}: {named['calendar']}")


def _people(people: list[str]) -> str:
    return harmless(", ".join(people))


def _span(span: Mapping[str, str], zone: ZoneInfo) -> str:
    return f"{_moment(span['starts_at'], zone)} - {_moment(span['ends_at'], zone)}"


def _moment(text: str, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(text).astimezone(zone):%a %Y-%m-%d %H:%M}"
