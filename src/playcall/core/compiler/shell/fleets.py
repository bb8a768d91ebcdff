"""Programs that run a command on many machines: Ansible's ad-hoc commands, and Salt's."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from playcall.core.compiler.shell import wrappers
from playcall.core.compiler.shell.calls import Call
from playcall.core.compiler.shell.syntax import Word

if TYPE_CHECKING:
    from playcall.core.compiler.shell.judge import Judge

# Words that Ansible takes out of a command before it runs it, and text that it runs itself.
_ANSIBLE_TAKES = re.compile(r"(?:^|\s)(?:cmd|argv|executable|stdin|_raw_params)\s*=|\{\{|\{%")
_SALT_LOOKS = re.compile(
    r"test\.(?:ping|version)|grains\.(?:items?|get|ls)|status\.(?:loadavg|uptime|meminfo|diskusage|cpuinfo)"
    r"|disk\.(?:usage|inodeusage)|service\.(?:status|get_all)|pkg\.(?:version|list_pkgs)"
    r"|network\.(?:interfaces|ip_addrs)|ps\.(?:top|disk_usage)|pillar\.items"
)


def _inventory(judge: "Judge", word: Word) -> None:
    """An inventory that is a program is run."""
    if re.search(r"\.(?:py|sh|rb|pl|js)$", word.text):
        judge.findings.change("ansible runs an inventory that is a script")


def judge_inventory(judge: "Judge", call: Call) -> None:
    for option in call.arguments.options:
        if option.name in ("-i", "--inventory") and option.value is not None:
            _inventory(judge, option.value)


def judge_ansible(judge: "Judge", call: Call) -> None:
    """Ad-hoc commands: a module that only looks, or a command that is judged itself."""
    for option in call.arguments.options:
        if option.name in ("-i", "--inventory") and option.value is not None:
            _inventory(judge, option.value)
    module = call.arguments.get("-m", "--module-name")
    name = module.value.text if module is not None and module.value is not None else "command"
    if name in ("ping", "setup", "gather_facts", "ansible.builtin.ping", "ansible.builtin.setup"):
        return
    inner = call.arguments.get("-a", "--args")
    if name in ("command", "shell", "raw") and inner is not None and inner.value is not None:
        if _ANSIBLE_TAKES.search(inner.value.text):
            judge.findings.change("ansible takes its own words out of the command")
        wrappers.judge_text(judge, inner.value, replace(call.context, remote=True))
    else:
        judge.findings.change(f'ansible runs the module "{name[:30]}"')


def judge_salt(judge: "Judge", call: Call) -> None:
    """A target, a function that only looks, or cmd.run with a command that is judged itself."""
    words = call.arguments.operands
    if len(words) < 2 or not words[1].literal:
        judge.findings.change("salt runs what is known only at run time")
    elif words[1].text == "cmd.run" and len(words) == 3:
        wrappers.judge_text(judge, words[2], replace(call.context, remote=True))
    elif _SALT_LOOKS.fullmatch(words[1].text) is None:
        judge.findings.change(f"salt {words[1].text[:30]} may change something")
