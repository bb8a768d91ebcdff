"""Folders of one page for each alert, and plays that are named in words."""

from datetime import timedelta

import pytest

from playcall.core.access import Access
from playcall.core.compiler import Compiled, compile_document
from playcall.core.plan import Command, EffectClass
from tests.core.compiling import PLAY, a_document

BODY = """
## Meaning

The thing is slow.

## Diagnosis

```console
$ kubectl get pods
NAME    READY
web-0   1/1
sh-5.1# cat /proc/loadavg
0.1 0.2 0.3 1/2 3
```

## Mitigation

Restart it.
"""


def page(title: str, stem: str, body: str = BODY) -> Compiled:
    return compile_document(f"{title}\n{body}".encode(), f"alerts/{stem}.md")


def names(compiled: Compiled) -> list[str]:
    assert compiled.plan
    return [play.alert for play in compiled.plan.plays]


@pytest.mark.parametrize(
    ("title", "stem", "alert"),
    [
        ("# CPUThrottlingHigh", "CPUThrottlingHigh", "CPUThrottlingHigh"),
        ("# CPU Throttling High", "CPUThrottlingHigh", "CPUThrottlingHigh"),
        ("# Watchdog", "Watchdog", "Watchdog"),
        ("# CephPGRepair", "CephPgRepair", "CephPGRepair"),
        ("# KubeAPIDown [Deprecated]", "KubeAPIDown", "KubeAPIDown"),
        ("---\ntitle: x\n---\n\n# Alert: Watchdog", "Watchdog", "Watchdog"),
    ],
)
def test_a_page_is_named_like_its_alert(title: str, stem: str, alert: str) -> None:
    assert names(page(title, stem)) == [alert]


@pytest.mark.parametrize(
    ("title", "stem"),
    [("# Readme", "README"), ("# Overview", "index"), ("# Naming Schemas", "SomeOtherThing")],
)
def test_other_pages_are_no_plays(title: str, stem: str) -> None:
    assert names(page(title, stem, "\nSome words.\n")) == []


def test_a_page_without_a_step_is_still_its_alert() -> None:
    compiled = page("# KubeAPIDown", "KubeAPIDown", "\nSee elsewhere.\n")
    assert names(compiled) == ["KubeAPIDown"]
    assert "PC101" not in {problem.code for problem in compiled.problems}


def test_prompts_of_shells_begin_commands_and_what_stands_below_is_output() -> None:
    compiled = page("# Watchdog", "Watchdog")
    assert compiled.plan
    commands = [command.text for command in compiled.plan.plays[0].commands()]
    assert commands == ["kubectl get pods", "cat /proc/loadavg"]


def test_a_page_of_a_folder_needs_no_policies_of_its_own() -> None:
    levels = {p.code: p.level.value for p in page("# Watchdog", "Watchdog").problems}
    assert {levels[code] for code in ("PC404", "PC405", "PC409")} == {"note"}


def test_a_playbook_named_in_words_is_for_the_alert_of_these_words() -> None:
    text = f"# Responses\n\n## Playbook: High error rate\n{BODY.replace('## ', '### ')}"
    assert names(compile_document(text.encode(), "responses.md")) == ["HighErrorRate"]


SCRIPT = """# Shop

## ShopIsDown

### Mitigation

1. **Back**

   ```bash
   #!/bin/bash
   # Back to the last release
   {first}
   kubectl rollout undo deployment/web
   kubectl delete pod {last}
   ```
"""


def test_lines_of_a_script_that_need_each_other_stay_together() -> None:
    text = SCRIPT.format(first='NAME="$1"', last='"$NAME"')
    plan = compile_document(text.encode(), "shop.md").plan
    assert plan
    (command,) = plan.plays[0].commands()
    assert (command.title, command.line, command.last_line) == ("Back to the last release", 12, 14)
    assert command.text.startswith('NAME="$1"\n')


def test_lines_of_a_script_that_do_not_are_commands_of_their_own() -> None:
    text = SCRIPT.format(first="kubectl get pods", last="web-0")
    compiled = compile_document(text.encode(), "shop.md")
    assert compiled.plan
    assert len(list(compiled.plan.plays[0].commands())) == 3
    assert [p.place.line for p in compiled.problems if p.code == "PC210"] == [10]
    careful = text.replace("#!/bin/bash\n", "#!/bin/bash\n   set -e\n")
    assert "PC210" not in {p.code for p in compile_document(careful.encode(), "shop.md").problems}


@pytest.mark.parametrize(("name", "code"), [("NAMESPACE", "PC207"), ("i", "PC202")])
def test_a_variable_in_capitals_waits_for_its_value_and_others_were_forgotten(
    name: str, code: str
) -> None:
    text = SCRIPT.format(first=f"kubectl get pods -n ${name}", last="web-0")
    codes = {p.code for p in compile_document(text.encode(), "shop.md").problems}
    assert code in codes & {"PC202", "PC207"}
    assert len(codes & {"PC202", "PC207"}) == 1


@pytest.mark.parametrize(
    ("first", "level"),
    [("i=3", "warning"), ("for i in 1 2; do echo $i; done", "warning"), ("ti=3", "error")],
)
def test_a_variable_that_another_command_set_was_not_forgotten(first: str, level: str) -> None:
    play = PLAY.replace("   df -h", f"   {first}\n   ```\n\n   ```bash\n   df -h /var/$i")
    found = compile_document(a_document(play=play).encode(), "disks.md").problems

    assert [p.level.value for p in found if p.code == "PC202"] == [level]


COMMANDS = """# Shop

## ShopIsDown

### Mitigation

1. **Look**

   {above}

   ```bash {behind}
   kubectl get pods
   ```
"""


@pytest.mark.parametrize(
    ("above", "behind", "effect"),
    [
        ("<!-- playcall: effect=change -->", "", "change"),
        ("<!-- playcall: effect=manual ignore=PC404 -->", "", "manual"),
        ("Words.", "{effect=heavy}", "heavy"),
        ("<!-- playcall: effect=heavy -->", "{effect=change}", "change"),
        ("<!-- playcall: effect=observe -->", "", "observe"),
        ("<!-- effect=change -->", "{.line-numbers}", "observe"),
    ],
)
def test_a_comment_can_only_tighten(above: str, behind: str, effect: str) -> None:
    text = COMMANDS.format(above=above, behind=behind)
    for command, expected in (("get pods", effect), ("delete pod x", None)):
        plan = compile_document(text.replace("get pods", command).encode(), "shop.md").plan
        assert plan
        (found,) = plan.plays[0].commands()
        loosest = "manual" if effect == "manual" else "change"
        assert found.effect.value == (expected or loosest)


def test_a_comment_that_is_not_understood_or_loosens_is_told() -> None:
    text = COMMANDS.format(above="<!-- playcall: efect=change -->", behind="")
    assert "PC114" in {p.code for p in compile_document(text.encode(), "shop.md").problems}
    text = COMMANDS.format(above="<!-- playcall: effect=heavy -->", behind="")
    loosened = text.replace("get pods", "delete pod x").encode()
    assert "PC115" in {p.code for p in compile_document(loosened, "shop.md").problems}


def only_command(text: str) -> Command:
    plan = compile_document(text.encode(), "shop.md").plan
    assert plan
    (found,) = plan.plays[0].commands()
    return found


def test_a_comment_may_ask_for_an_approver_and_for_a_time_limit() -> None:
    above = "<!-- playcall: approve=commander timeout=30s -->"
    found = only_command(COMMANDS.format(above=above, behind="{timeout=2m}"))

    assert (found.effect, found.approver) == (EffectClass.CHANGE, Access.COMMANDER)
    assert found.time_limit == timedelta(seconds=30)


def test_front_matter_asks_of_every_command() -> None:
    front = '---\ntitle: Shop\nplaycall: "effect=heavy timeout=1m"\n---\n'
    found = only_command(front + COMMANDS.format(above="", behind=""))

    assert (found.effect, found.time_limit) == (EffectClass.HEAVY, timedelta(minutes=1))


def test_front_matter_that_is_not_understood_is_told() -> None:
    text = "---\nplaycall: effect=observe approve=me\n---\n" + COMMANDS.format(above="", behind="")
    problems = compile_document(text.encode(), "shop.md").problems

    assert [(p.code, p.place.line) for p in problems if p.code == "PC114"] == [("PC114", 2)]
