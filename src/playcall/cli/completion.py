"""`playcall completion SHELL`: prints what makes a shell complete our commands. The shell then asks
`playcall completion --words`, which knows the commands from their own declarations, and open
incidents and waiting commands from the server. What cannot be asked is not offered."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from playcall.cli import remote
from playcall.cli.console import harmless

PATIENCE = 1.0  # seconds a person waits for a suggestion

_BASH = """\
_playcall() {
    local IFS=$'\\n' typed
    typed=$(printf '%s\\n' "${COMP_WORDS[@]:1:COMP_CWORD}" .)
    COMPREPLY=($(playcall completion --words="$typed" 2>/dev/null | cut -f 1))
}
complete -o default -F _playcall playcall
"""
_ZSH = """\
#compdef playcall
_playcall() {
    local -a offered
    local line typed
    typed=$(printf '%s\\n' "${(@)words[2,CURRENT]}" .)
    for line in ${(f)"$(playcall completion --words="$typed" 2>/dev/null)"}; do
        offered+=("${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}")
    done
    if (( $#offered )); then _describe playcall offered; else _files; fi
}
compdef _playcall playcall
"""
_FISH = """\
function __playcall
    set -l typed (commandline -opc)[2..] (commandline -ct)
    playcall completion --words=(printf '%s\\n' $typed . | string collect) 2>/dev/null
end
complete -c playcall -a '(__playcall)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
_INSTALL = {
    "bash": "source <(playcall completion bash), in ~/.bashrc",
    "zsh": "source <(playcall completion zsh), in ~/.zshrc",
    "fish": "playcall completion fish | source, in config.fish",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A word that may stand next, and what it means."""

    word: str
    meaning: str = ""


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "completion",
        help="complete commands, incidents and options in a shell",
        description="To install: " + "; ".join(_INSTALL.values()) + ".",
    )
    parser.add_argument("shell", nargs="?", choices=SCRIPTS)
    parser.add_argument("--words", help=argparse.SUPPRESS)  # a line each, and a dot at the end


def run(args: argparse.Namespace) -> int:
    if args.words is not None:
        for offer in offers(args.words.split("\n")[:-1] or [""]):
            print(f"{offer.word}\t{harmless(offer.meaning)}")
        return 0
    if args.shell is None:
        print(f"For which shell: {', '.join(SCRIPTS)}?", file=sys.stderr)
        return 2
    print(SCRIPTS[args.shell], end="")
    return 0


def offers(words: Sequence[str]) -> list[Offer]:
    """What may stand for the last of the words, after those before it. Nothing: a file."""
    from playcall.cli import COMMANDS, command_parser

    *before, last = words
    if not before:
        found: Iterable[Offer] = map(Offer, COMMANDS)
    elif before[0] in COMMANDS:
        found = _of_parser(command_parser(before[0]), before[1:], last)
    else:
        found = ()
    return [offer for offer in found if offer.word.startswith(last)]


def _of_parser(
    parser: argparse.ArgumentParser, before: Sequence[str], last: str
) -> Iterator[Offer]:
    """argparse gives its actions no public name; their shape has not changed since Python 3.2."""
    options = {name: a for a in parser._actions for name in a.option_strings}
    places = [action for action in parser._actions if not action.option_strings]
    given: list[str] = []
    wanted: argparse.Action | None = None  # the option whose value comes next
    for n, word in enumerate(before):
        if wanted is not None:
            wanted = None
        elif word in options:
            wanted = options[word] if options[word].nargs != 0 else None
        elif len(given) < len(places) and isinstance(
            places[len(given)], argparse._SubParsersAction
        ):
            below = cast(dict[str, argparse.ArgumentParser], places[len(given)].choices)
            if word in below:
                yield from _of_parser(below[word], before[n + 1 :], last)
            return
        else:
            given.append(word)
    if wanted is not None:
        yield from _values(wanted, given, before)
    elif last.startswith("-"):
        yield from (
            Offer(name, action.help or "")
            for name, action in options.items()
            if action.help != argparse.SUPPRESS
        )
    elif places:
        yield from _values(places[min(len(given), len(places) - 1)], given, before)


def _values(
    action: argparse.Action, given: Sequence[str], before: Sequence[str]
) -> Iterator[Offer]:
    if action.choices is not None:
        yield from (Offer(str(choice)) for choice in action.choices)
    elif action.dest == "incident":
        yield from _incidents(before)
    elif action.dest in ("command_id", "command") and given and given[0].isdigit():
        yield from _commands(given[0], before)


def _incidents(before: Sequence[str]) -> Iterator[Offer]:
    for one in _asked("/incidents?live=true", before) or ():
        yield Offer(str(one["id"]), f"{one['severity']} {one['status']}: {one['title']}")


def _commands(incident: str, before: Sequence[str]) -> Iterator[Offer]:
    """Those that wait for somebody: what may change something, and has not run."""
    found = _asked(f"/incidents/{incident}", before)
    for one in found["commands"] if found else ():
        if one["effect"] in ("change", "heavy") and one["run"] is None:
            yield Offer(one["id"], one["title"])


def _asked(path: str, before: Sequence[str]) -> Any:
    """None when the server does not say so at once."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    remote.add_server_arguments(parser)
    try:
        args, _ = parser.parse_known_args(list(before))
        return remote.ask(args, path, timeout=PATIENCE).json()
    except (remote.Declined, argparse.ArgumentError, ValueError):
        return None
