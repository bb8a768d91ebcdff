"""`playcall token`: a new random token, and the line that lets it in."""

import argparse
import secrets


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    subparsers.add_parser("token", help="make a token for a person or for Alertmanager")


def run(args: argparse.Namespace) -> int:
    from playcall.settings import hash_token

    token = secrets.token_urlsafe(32)
    print(f"Token, shown once:   {token}")
    print(f'Line for settings:   tokens = ["{hash_token(token)}"]')
    print("Put it under [people.NAME] for a person, under [intake] for Alertmanager.")
    return 0
