"""`playcall sign-in PERSON`: a link that signs somebody in once. Needs the server's data folder."""

import argparse
import sys
from pathlib import Path


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("sign-in", help="make a link that signs a person in once")
    parser.add_argument("person", help="a name from [people]")
    parser.add_argument("--settings", default="playcall.toml", help="the settings file")


def run(args: argparse.Namespace) -> int:
    # Here, so that other commands start without the server's libraries.
    from playcall.settings import BadSettings, read_settings
    from playcall.web.auth import FIRST_PERSON, Links

    try:
        settings = read_settings(Path(args.settings))
    except BadSettings as error:
        print(error, file=sys.stderr)
        return 2
    if args.person not in settings.people and args.person != FIRST_PERSON:
        known = ", ".join(sorted(settings.people)) or "nobody"
        print(f'Nobody is called "{args.person}". [people] has: {known}.', file=sys.stderr)
        return 2
    code = Links(settings.data / "links").make(args.person)
    print(f"{settings.url}/sign-in?code={code}")
    return 0
