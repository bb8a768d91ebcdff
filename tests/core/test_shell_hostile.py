"""What bash really does, beside what the reading says: no change is ever called harmless."""

import functools
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from playcall.core.compiler.shell import Unbindable, bind, read_command

BASH = shutil.which("bash") or "/bin/bash"
LOOKS = [
    "kubectl get pods",
    "echo hi",
    "cat x",
    "grep a b",
    "curl http://x/y",
    "sed -n 1p x",
    "ls -l",
    "X=1 ls",
    "echo 'a b'",
    'echo "$HOME"',
    "ip -s link",
    "true",
    "for i in a b; do echo $i; done",
]
CHANGES = [
    "rm x",
    "kubectl delete pod x",
    "kubectl scale deploy/x --replicas=0",
    "tee x",
    "unknown x",
    "curl -X POST http://x",
    "sysctl -w a=1",
    "sh x.sh",
    "echo a > /etc/x",
    "kubectl apply -f x",
]
JOINS = [
    "{a}; {b}",
    "{b}; {a}",
    "{a} && {b}",
    "{a} || {b}",
    "{a} | {b}",
    "{a} & {b}",
    "{a}\n{b}",
    "{a} $({b})",
    "{a} `{b}`",
    '{a} "$({b})"',
    '{a} "`{b}`"',
    "{a} <({b})",
    "( {a}; {b} )",
    "{{ {a}; {b}; }}",
    "if {a}; then {b}; fi",
    "if {b}; then {a}; fi",
    "while {b}; do {a}; done",
    "until {b}; do {a}; done",
    "for v in 1 2; do {b}; done",
    "case x in x) {b};; esac",
    "f() {{ {b}; }}; f",
    "! {b}",
    "{a} |& {b}",
    "time {b}",
    "cat <<< $({b})",
    "cat <<EOF\n$({b})\nEOF",
    "cat <<EOF\n{a}\nEOF\n{b}",
    "echo ${{x:-$({b})}}",
    "x=$({b})",
    "[[ -n $({b}) ]]",
    "{a} 2>&1 >/dev/null; {b}",
    "bash -c '{b}'",
    'sh -c "{a}; {b}"',
    "ssh host '{b}'",
    "watch '{b}'",
    "timeout 5 {b}",
    "env A=1 {b}",
    "sudo {b}",
    "nohup {b}",
    "kubectl exec p -- sh -c '{b}'",
    "find . -exec {b} \\;",
    "ls | xargs -n1 {b}",
    "{a} # {b}\n{b}",
    "{a} \\\n; {b}",
    "echo 'a'\\''b'; {b}",
    "coproc {b}",
    "eval '{b}'",
    "export x=$({b})",
    "echo $(( $({b}) ))",
    "a[$({b})]=1",
    "trap '{b}' EXIT",
]

TOKENS = [
    "boom",
    "boom x",
    "echo",
    "echo a",
    "cat",
    "ls",
    ";",
    "&&",
    "||",
    "|",
    "&",
    "\n",
    " ",
    " ",
    " ",
    "$(",
    ")",
    "`",
    "'",
    '"',
    "\\",
    "#",
    " #",
    "<<EOF\n",
    "\nEOF\n",
    "<<'EOF'\n",
    "<<-E\n",
    "\nE\n",
    "<<<",
    "<(",
    "{",
    "}",
    "{ ",
    "; }",
    "(",
    "if true; then ",
    "; fi",
    "for i in a; do ",
    "; done",
    "case a in a) ",
    ";; esac",
    "$'",
    "${x:-",
    "${x",
    "$((",
    "))",
    "[[ ",
    " ]]",
    "[ ",
    " ]",
    "!",
    "> o",
    ">",
    "<",
    "x=",
    "1",
    "f() ",
    "; f",
    "\\\n",
    "\t",
    "$x",
    "*",
    "=",
    "a",
    "$",
    "-",
    "&>",
    "2>&1 ",
    "|&",
    "[",
    "]",
    ";;",
    "~",
    "in",
    "do",
    "%",
    "a b",
    "é",
    "time ",
    "coproc ",
    "function g ",
    "; g",
    "then",
    "done",
    "<a>",
    "{{ a }}",
    "A_IP",
    "read x",
    "unset x",
    "x=a",
    "boom() { ls; }",
    "IFS= read ",
    "${x:=boom}",
    "`boom`",
    "<<EOF\n",
]


@pytest.fixture(scope="module")
def box() -> Iterator[Path]:
    """A directory of programs that only say they ran; `boom` stands for any change."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bin").mkdir()
        for program in ("echo", "cat", "ls", "boom"):
            path = folder / "bin" / program
            path.write_text(f'#!{BASH}\nprintf x >> "{folder}/{program}.ran"\n')
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        (folder / "cwd").mkdir()
        yield folder


HOSTILE = st.one_of(
    st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=("Cs", "Cc"))),
    st.lists(
        st.sampled_from(
            [
                "'",
                '"',
                "`",
                "$(boom)",
                ";boom",
                "\\",
                "|",
                "&",
                "-x",
                " ",
                "*",
                "~",
                "{a,b}",
                "$HOME",
                "!!",
                "#",
                "a",
                ">x",
                "<x",
                "${x}",
                "=",
                "\\'",
            ]
        ),
        max_size=6,
    ).map("".join),
)
NASTIER = st.one_of(
    HOSTILE,
    st.sampled_from(
        [
            "a\nboom",
            "a\0b",
            "\r\nboom",
            "-rf",
            "--all",
            "--",
            "[a-z]*",
            "?",
            "{1..3}",
            "$'\\nboom'",
            '$"x"',
            "\u202eboom",
            "\u00a0boom",
            "\ud800",
            "x" * 70_000,
            "a b " * 900,
            "';boom;'",
            '";boom;"',
            "`boom`",
            "$(boom)",
            "&&boom",
            "\\",
            "<(boom)",
            "x=1",
            "\x1b[31m",
            "%s%n",
            "EOF\nboom",
        ]
    ),
)
# As in playbooks, and in quoting that asks for trouble; `stub` tells what it was given.
COMMANDS = [
    "stub exec v-pod -- iptables -A INPUT -s <v> -j DROP",
    "stub exec v-pod -- ping -c 5 <v>",
    "stub exec <v> -- netstat -s | stub -i loss",
    'stub exec <v> -- sysctl -w net.ipv4.tcp_rmem="4096 87380 134217728"',
    'for c in amst hde; do\n  echo "=== $c ==="\n  stub -s http://localhost:909${v}/health\ndone',
    'stub -s "http://$v:8080/a?b=c&d=<v>" | stub .',
    "stub -l 'app=<v>' -n \"<v>\" --since=<v> 2>/dev/null || stub '<v>'",
    "stub a'b<v>c'd\"e<v>f\"g<v>h",
    'stub "$(stub \'<v>\')" "x <v>"',
    'if stub <v>; then stub "<v>"; else stub x; fi',
    "( stub <v> ) && { stub '<v>'; }",
    "X=<v> stub <v>",
    "stub > /dev/null <v>",
    "f() { stub <v>; }; f",
    "stub \\\n  --flag <v> # a <v> b",
    "stub ~/<v> $HOME/<v> *<v>*",
]
PLACES = [
    ("<v>", "{v}"),
    ("pre<v>", "pre{v}"),
    ("<v>.post", "{v}.post"),
    ('"<v>"', "{v}"),
    ("'<v>'", "{v}"),
    ('"a <v> b"', "a {v} b"),
    ("'a <v> b'", "a {v} b"),
    ("--k=<v>", "--k={v}"),
    ("x/'<v>'/\"<v>\"", "x/{v}/{v}"),
    ("$v", "{v}"),
    ("a${v}b", "a{v}b"),
    ('"a${v}b"', "a{v}b"),
    ("<v>,<v>", "{v},{v}"),
    ('"$(printf %s "<v>")x"', "{v}x"),
    ("é<v>", "é{v}"),
]


@given(place=st.sampled_from(PLACES), value=HOSTILE)
@example(place=PLACES[4], value="'; boom; '")
@example(place=PLACES[4], value="a\\ b")
@example(place=PLACES[3], value='"; boom; "$(boom)`boom`\\')
@settings(max_examples=500, deadline=None)
def test_a_bound_value_arrives_as_it_is(place: tuple[str, str], value: str) -> None:
    pattern, expected = place
    try:
        bound = bind(f"printf '%s\\0' first {pattern} last", {"v": value})
    except Unbindable:
        plain = value.isprintable() and "{" not in value and "\\ " not in value
        assert value.startswith("-") or not plain or "$(" in pattern
        return
    if not value:
        assert bound.missing == ("v",)
        return
    done = subprocess.run(
        [BASH, "--norc", "-c", bound.text],
        capture_output=True,
        timeout=10,
        check=True,
        env={"PATH": "/nonexistent", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
    )
    words = done.stdout.decode().split("\0")[:-1]
    assert words == ["first", expected.replace("{v}", value), "last"]


@pytest.fixture(scope="module")
def witness() -> Iterator[Path]:
    """A directory whose `stub` writes down its words, and whose `boom` must never run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bin").mkdir()
        (folder / "cwd").mkdir()
        said = f"printf '%s\\0' \"$@\" '' >> {folder}/said"
        for program, script in (("stub", said), ("boom", f": > {folder}/boomed")):
            path = folder / "bin" / program
            path.write_text(f"#!{BASH}\n{script}\n")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        yield folder


@functools.cache
def _said(witness: Path, text: str) -> list[str]:
    """All words of all stubs that bash ran, in any order."""
    (witness / "said").write_bytes(b"")
    subprocess.run(
        [BASH, "--norc", "--noprofile", "-c", text],
        cwd=witness / "cwd",
        env={"PATH": str(witness / "bin"), "HOME": "/home/v", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=10,
        check=False,
    )
    assert not (witness / "boomed").exists(), text
    assert not list((witness / "cwd").iterdir()), text
    return sorted((witness / "said").read_bytes().decode().split("\0"))


@given(text=st.sampled_from(COMMANDS), value=NASTIER)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_value_is_its_word_or_part_of_it_and_nothing_else_runs(
    witness: Path, text: str, value: str
) -> None:
    """The words are those of the command with a plain value, that value replaced in each."""
    try:
        bound = bind(text, {"v": value})
    except Unbindable:
        return
    if bound.missing:
        assert not value
        return
    plain = bind(text, {"v": "PLAIN0VALUE"}).text
    expected = [word.replace("PLAIN0VALUE", value) for word in _said(witness, plain)]
    assert any(value in word for word in expected)
    assert _said(witness, bound.text) == sorted(expected), bound.text


@given(
    value=HOSTILE,
    text=st.sampled_from(
        [
            "kubectl logs <v>",
            "kubectl get pods -n <v>",
            "kubectl exec <v> -- cat /proc/meminfo",
            "curl -s http://<v>:8080/health",
            "ping -c 1 <v>",
            "kubectl exec p -- sh -c 'cat <v>'",
            "ssh h 'uptime <v>'",
            "watch 'kubectl get pods <v>'",
            "awk '/<v>/' x",
            "sed -n '/<v>/p' x",
            "find /tmp -name <v>",
            "kubectl get pods -o name | xargs -I{} kubectl logs {} <v>",
            "grep <v> x",
            "cat <<EOF\n<v>\nEOF",
            "echo `printf %s <v>`",
            'bash -c "ls <v>"',
            "echo $'<v>'",
        ]
    ),
)
@settings(max_examples=500, deadline=None)
def test_no_value_makes_a_looking_command_a_change(value: str, text: str) -> None:
    assert read_command(text).effect == "observe"
    try:
        bound = bind(text, {"v": value})
    except Unbindable:
        return
    reading = read_command(bound.text)
    assert reading.effect in ("observe", "heavy") or "curl" in text, (bound.text, reading.reasons)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("kubectl delete pod <v>", "--all"),
        ('kubectl delete pod "<v>"', "--all"),
        ("kubectl delete pod $v", "-A"),
        ("<v> x", "rm"),
        ("kubectl logs <v>", "a\nb"),
        ("kubectl logs <v>", "a\0b"),
        ("kubectl exec p -- sh -c 'cat <v>'", "x; reboot"),
        ("ssh db 'uptime <v>'", "; reboot"),
        ("awk '/<v>/' x", "/{system(1)}/"),
        ("echo $((<v>))", "a[$(boom)]"),
        ("cat <<EOF\n<v>\nEOF", "$(boom)"),
        ("echo `echo <v>`", "\\`boom\\`"),
        ('kubectl patch d x -p \'{"a":"<v>"}\'', '","b":"c'),
        ("kubectl logs <v> 'open", "x"),
        ("cat /srv/<v>", "../../etc/shadow"),
        ("rm -r /srv/<v>", "."),
        ("cat /srv/a-<v>", "/../x"),
        ('cat "$D/<v>.log"', "x/../../y"),
    ],
)
def test_a_value_that_could_act_is_refused(text: str, value: str) -> None:
    with pytest.raises(Unbindable):
        bind(text, {"v": value})


def test_a_command_with_very_many_places_is_not_bound() -> None:
    with pytest.raises(Unbindable):
        bind("echo " + "<v> " * 15_000, {"v": "x"})


def test_a_pipeline_of_very_many_stages_is_a_change() -> None:
    assert read_command("ls|" * 15_000 + "ls").effect == "change"


def test_a_missing_value_leaves_its_place_and_is_named() -> None:
    bound = bind("kubectl logs <pod> -n $NS", {"NS": "shop"})
    assert bound.text == "kubectl logs <pod> -n 'shop'"
    assert bound.missing == ("pod",)


def test_characters_beyond_every_table_do_not_crash_the_parser() -> None:
    """The grammar's scanner reads outside its table for some of them, in one run of a few."""
    script = (
        "import random; from playcall.core.compiler.shell.syntax import parse\n"
        "r = random.Random(2)\n"
        'signs = list("${}<>()[]|&;\'\\"` \\n=#a1-!?*@~%^")\n'
        "far = lambda: chr(r.randrange(0xE000, 0x110000))\n"
        "for _ in range(40000):\n"
        "    size = r.randrange(1, 14)\n"
        "    text = ''.join(far() if r.random() < .5 else r.choice(signs) for _ in range(size))\n"
        "    parse(text.encode())\n"
    )
    for _ in range(3):  # memory lies elsewhere in each process
        subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("text", ["é=1 rm x", "$é rm", "kubéctl get pods", "${é}", "1é>out ls"])
def test_letters_beyond_ascii_are_no_names(text: str) -> None:
    assert read_command(text).effect == "change"


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_gets_an_answer(text: str) -> None:
    read_command(text)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        "echo " + "$(" * 5000 + ")" * 5000,
        "(" * 20000,
        "echo \ud800",
        "echo \0 x",
        "echo a\u00a0#b; boom",
        "a\rb",
        "`" * 3001,
        "<<A" * 3000,
        "{" * 30000,
        "'" + "a" * 60000,
        'sh -c "sh -c \'sh -c \\"rm x\\"\'"',
        "$" * 60000,
        "[[" * 20000,
        "echo " + "$((" * 9000,
    ],
)
def test_monstrous_text_is_a_change_and_never_an_exception(text: str) -> None:
    assert read_command(text).effect in ("change", "manual")


def _run(box: Path, text: str) -> bool:
    """Whether bash ran `boom`, or wrote a file."""
    for left in (*box.glob("*.ran"), *(box / "cwd").iterdir()):
        left.unlink()
    try:
        subprocess.run(
            [BASH, "--norc", "--noprofile", "-c", text],
            cwd=box / "cwd",
            env={"PATH": str(box / "bin"), "HOME": "/nonexistent"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=5,
            check=False,
            start_new_session=True,
        )
    except (subprocess.TimeoutExpired, ValueError):
        return False
    return (box / "boom.ran").exists() or any((box / "cwd").iterdir())


@given(a=st.sampled_from(LOOKS), b=st.sampled_from(CHANGES), join=st.sampled_from(JOINS))
@settings(max_examples=600, deadline=None)
def test_no_operator_hides_a_change(a: str, b: str, join: str) -> None:
    reading = read_command(join.format(a=a, b=b))
    assert reading.effect in ("change", "manual"), reading.reasons


@pytest.mark.parametrize(
    "text", ['sh -c "echo "`kubectl get pods`rm', 'sh -c "kubectl get "`kubectl get pods `rm x``""']
)
def test_words_that_touch_are_one_to_bash_whatever_the_grammar_says(text: str) -> None:
    assert read_command(text).effect == "change"


@given(
    a=st.sampled_from(LOOKS),
    b=st.sampled_from(CHANGES),
    joins=st.lists(st.sampled_from([j for j in JOINS if "'" not in j]), min_size=2, max_size=3),
)
@settings(max_examples=400, deadline=None)
def test_no_nesting_of_operators_hides_a_change(a: str, b: str, joins: list[str]) -> None:
    for join in joins:
        b = join.format(a=a, b=b)
    assert read_command(b).effect in ("change", "manual")


@given(st.lists(st.sampled_from(TOKENS), min_size=2, max_size=12))
@settings(
    max_examples=int(os.environ.get("PLAYCALL_FUZZ", "300")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_what_bash_runs_is_what_the_reading_sees(box: Path, tokens: list[str]) -> None:
    text = "".join(tokens)
    reading = read_command(text)
    if reading.effect in ("observe", "heavy") and not reading.placeholders:
        assert not _run(box, text) or any("scratch" in r for r in reading.reasons), text
