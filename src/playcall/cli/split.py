"""`playcall split N --alert FINGERPRINT`: some alerts of an incident are a trouble of their own."""

import argparse
import json
import sys

from playcall.cli import remote
from playcall.cli.console import harmless


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "split",
        help="make an incident of some alerts of another one",
        description="Without --alert: the alerts of the incident, by their fingerprints.",
    )
    parser.add_argument("incident", type=int, help="its number")
    parser.add_argument(
        "--alert", action="append", metavar="FINGERPRINT", help="may be given several times"
    )
    parser.add_argument("--reason", default="", help="for the record")
    remote.add_act_arguments(parser)


def run(args: argparse.Namespace) -> int:
    if args.alert:
        body = {"alerts": args.alert, "reason": args.reason}
        return remote.act(args, f"/incidents/{args.incident}/split", body)
    try:
        found = remote.ask(args, f"/incidents/{args.incident}").json()["fingerprints"]
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(found, indent=2))
        return 0
    for fingerprint, name in found.items():
        print(f"{harmless(fingerprint)}  {harmless(name)}")
    return 0
