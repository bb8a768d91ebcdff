"""`playcall bounce`: what a mail server pipes a mail into that came back."""

import argparse
import sys

from playcall.cli import remote


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("bounce", help="take a mail that came back, from stdin")
    remote.add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    try:
        answer = remote.send(args, "/mail/bounces", sys.stdin.buffer.read()).json()
    except remote.Declined as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{answer['key']}: {answer['reason']}")
    return 0
