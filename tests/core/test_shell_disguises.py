"""Changes that look like something harmless: found by reading our own rules for their gaps."""

import pytest

from playcall.core.compiler.shell import read_command

FUNCTIONS = """
mkfs() { ls; }; ssh db mkfs /dev/sda
mkfs() { ls; }; sudo mkfs /dev/sda
mkfs() { ls; }; sh -c mkfs
mkfs() { ls; }; watch mkfs
mkfs() { ls; }; kubectl exec web-0 -- mkfs /dev/sda
mkfs() { ls; }; find . -exec mkfs {} +
mkfs /dev/sda; mkfs() { ls; }
if false; then mkfs() { ls; }; fi; mkfs /dev/sda
false && mkfs() { ls; }; mkfs /dev/sda
(mkfs() { ls; }); mkfs /dev/sda
mkfs() { ls; } & mkfs /dev/sda
mkfs() { ls; } | cat; mkfs /dev/sda
run() { mkfs /dev/sda; }; run; mkfs() { ls; }
""".strip().splitlines()

PROGRAMS_WITHIN = r"""
awk '{ # (@ print "x" > "f" # )@}' y
find . -exec tee + /etc/x {} \;
find . -exec sort + -o x {} \;
kubectl get -k github.com/somebody/something
""".strip().splitlines()


@pytest.mark.parametrize("command", FUNCTIONS)
def test_a_function_stands_for_its_name_only_where_it_is_sure_to_be_defined(command: str) -> None:
    assert read_command(command).effect == "change"


def test_a_function_defined_before_its_call_is_what_its_body_does() -> None:
    assert read_command("look() { kubectl get pods; }; look; look").effect == "observe"
    assert read_command("fix() { kubectl delete pod x; }; fix").effect == "change"


@pytest.mark.parametrize("command", PROGRAMS_WITHIN)
def test_a_language_within_an_argument_is_read_as_its_program_reads_it(command: str) -> None:
    assert read_command(command.replace("@", "\n")).effect == "change"
