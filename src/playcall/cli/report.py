"""`playcall report N`: the post-mortem as Markdown."""

import argparse
import sys

from playcall.cli import remote


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("report", help="print an incident's post-mortem")
    parser.add_argument("incident", type=int, help="its number")
    remote.add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    try:
        sys.stdout.write(remote.ask(args, f"/incidents/{args.incident}/report").text)
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    return 0
