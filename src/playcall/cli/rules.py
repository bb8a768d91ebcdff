"""`playcall rules`: the alerting rules, routes and rule tests that a playbook implies, as YAML."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from playcall.cli.console import Unreadable, find_documents, read_bytes
from playcall.core import rules
from playcall.core.compiler import compile_document
from playcall.core.plan import Plan

if TYPE_CHECKING:
    from playcall.cli import Subparsers

WEBHOOK = "http://127.0.0.1:8000/webhooks/alertmanager"


def add(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "rules",
        help="write the alerting rules and routes that a playbook implies",
        description=(
            "Writes a Prometheus rule file. Exit code 0: written; 1: no play can be measured; "
            "2: a document cannot be read."
        ),
    )
    parser.add_argument("document", metavar="DOC")
    wanted = parser.add_mutually_exclusive_group()
    wanted.add_argument("--routes", action="store_true", help="an Alertmanager configuration")
    wanted.add_argument("--tests", metavar="RULES", help="promtool tests of that rule file")
    parser.add_argument("--webhook", default=WEBHOOK, help="where Playcall takes alerts")
    parser.add_argument("--token-file", default="alertmanager.token", help="for the webhook")


def run(args: argparse.Namespace) -> int:
    try:
        (path,) = find_documents([args.document])
        plan = compile_document(read_bytes(path), str(path)).plan
    except (Unreadable, ValueError) as error:
        print(f"playcall rules: {error}", file=sys.stderr)
        return 2
    if plan is None or not plan.plays:
        print(f"{path}: no play was found. See: playcall check {path}", file=sys.stderr)
        return 1
    made, lost = _made(plan, args), rules.plays_without_rule(plan)
    print(f"# From {path.name} by playcall rules. Written anew each time: change the document.")
    print(_yaml(made), end="")
    if lost and not args.routes:
        told = ", ".join(lost)
        print(f"No symptom with a query leads to: {told}", file=sys.stderr)
    return 1 if len(lost) == len(plan.plays) and not args.routes else 0


def _made(plan: Plan, args: argparse.Namespace) -> dict[str, Any]:
    if args.routes:
        return rules.routes(plan, args.webhook, args.token_file)
    if args.tests:
        return rules.rule_tests(plan, args.tests)
    return rules.rule_groups(plan)


def _yaml(value: object) -> str:
    import yaml  # loads on use

    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
