"""Knows when a command's output is names of Kubernetes objects: words that never begin with "-"."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playcall.core.compiler.shell.syntax import Word


_NAME = re.compile(r"name|jsonpath=\{(?:\.items\[(?:\d+|\*)\])?\.metadata\.name\}")
_CONTEXT = ("-n", "--namespace", "--context")


def gives_names(words: list["Word"]) -> bool:
    """Whether this is `kubectl get ... -o name`, or its like with a jsonpath."""
    texts = [word.text for word in words]
    if not all(word.literal for word in words) or texts[:1] not in (["kubectl"], ["oc"]):
        return False
    at = 1
    while texts[at : at + 1] and texts[at] in _CONTEXT:
        at += 2
    if texts[at : at + 1] != ["get"]:
        return False
    outputs = list(_outputs(texts[at + 1 :]))
    return len(outputs) == 1 and _NAME.fullmatch(outputs[0]) is not None


def _outputs(texts: list[str]) -> list[str]:
    """What is asked to be printed, each time it is said."""
    found: list[str] = []
    for at, text in enumerate(texts):
        if text in ("-o", "--output"):
            found.append("".join(texts[at + 1 : at + 2]))
        elif text.startswith("--output="):
            found.append(text.removeprefix("--output="))
        elif text.startswith(("--template", "--raw", "--watch", "-w")):
            found.append("something else")
        elif re.match(r"-[^-]*o", text):
            found.append(text.partition("o")[2].removeprefix("=") if text[1] == "o" else "unsure")
    return found
