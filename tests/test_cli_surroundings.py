"""`playcall check` with what surrounds a document: its folder, a policy, settings, ShellCheck."""

import json
from pathlib import Path

import pytest

from tests.core.compiling import PLAY, a_document
from tests.test_cli_check import playcall


def found(*args: str | Path) -> list[dict[str, object]]:
    told = json.loads(playcall("check", "--format", "json", *args).stdout)
    return [problem for document in told["documents"] for problem in document["problems"]]


def codes(*args: str | Path) -> list[object]:
    return [problem["code"] for problem in found(*args)]


def written(folder: Path, command: str, more: str = "") -> Path:
    document = folder / "disks.md"
    document.write_text(a_document(play=PLAY.replace("df -h", command)) + more)
    return document


def test_shellcheck_says_where_a_redirect_escapes_sudo(tmp_path: Path) -> None:
    document = written(tmp_path, "sudo echo 1 > /proc/sys/vm/drop_caches")

    [problem] = [p for p in found(document) if p["code"] == "PC211"]
    source = document.read_text().split("\n")[int(str(problem["line"])) - 1]
    assert str(problem["what"]).startswith("ShellCheck SC2024: ")
    assert source[int(str(problem["column"])) - 1 :].startswith("> /proc")
    assert "PC211" not in codes(document, "--shellcheck", "never")


def test_style_is_not_shellchecks_to_tell(tmp_path: Path) -> None:
    assert codes(written(tmp_path, "cat /var/log/syslog | grep $PATH")) == []


def test_many_documents_are_not_given_to_shellcheck_unasked(tmp_path: Path) -> None:
    for number in range(21):
        folder = tmp_path / str(number)
        folder.mkdir()
        written(folder, "sudo echo 1 > /proc/sys/vm/drop_caches")

    assert "PC211" not in codes(tmp_path)
    assert codes(tmp_path, "--shellcheck", "always").count("PC211") == 21


def test_files_are_looked_for_beside_the_document(tmp_path: Path) -> None:
    document = written(tmp_path, "./usage.sh", "\nSee [more](more/page.md) and [all](all).\n")
    assert sorted(map(str, codes(document))) == ["PC117", "PC117", "PC208"]

    (tmp_path / "usage.sh").touch()
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "page.md").touch()
    (tmp_path / "all.md").touch()
    assert codes(document) == []


def test_a_script_for_the_way_back_is_compared_only_while_it_is_missing(tmp_path: Path) -> None:
    back = "\n## Rollback\n\n```bash\nkubectl scale deployment/disk --replicas=0\n```\n"
    document = written(tmp_path, "./rollback.sh", back)
    assert sorted(map(str, codes(document))) == ["PC208", "PC424"]

    (tmp_path / "rollback.sh").touch()
    assert codes(document) == []


def test_a_policy_loosens_what_was_read_and_is_told_when_it_fits_no_more(tmp_path: Path) -> None:
    document = written(tmp_path, "./usage.sh")
    (tmp_path / "usage.sh").touch()
    row = playcall("show", document, "DiskAlmostFull", "--digests").stdout.decode().split()
    policy = tmp_path / "policy.toml"
    policy.write_text(
        f'[[ruling]]\nalert = "{row[0]}"\ncommand = "{row[1]}"\ndigest = "{row[2]}"\n'
        'effect = "observe"\nwhy = "only reads"\n'
    )

    told = json.loads(playcall("check", "--format", "json", "--policy", policy, document).stdout)
    assert told["summary"]["commands"] == {"observe": 1, "heavy": 0, "change": 0, "manual": 0}
    written(tmp_path, "./usage.sh --delete")
    [stale] = found("--policy", policy, document)
    assert (stale["code"], stale["line"]) == ("PC118", 1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[ruling]]\ncommand = 1\n", "Expected `str`, got `int`"),
        (
            '[[ruling]]\ncommand = "1"\ndigest = "x"\neffect = "observe"\nwhy = "y"\n',
            "is no digest",
        ),
        (
            f'\n[[ruling]]\ncommand = "1"\ndigest = "{"a" * 16}"\neffect = "observe"\nwhy = " "\n',
            "policy.toml:2: a ruling needs its reason",
        ),
        ("[[rulings]]\n", "unknown field `rulings`"),
        (None, "No such file"),
    ],
)
def test_a_bad_policy_is_refused_in_words(tmp_path: Path, text: str | None, why: str) -> None:
    policy = tmp_path / "policy.toml"
    if text is not None:
        policy.write_text(text)
    done = playcall("check", "--policy", policy, written(tmp_path, "df -h"))

    assert done.returncode == 2
    assert why in done.stderr.decode()


def test_a_role_that_the_settings_bind_to_nobody_is_an_error(tmp_path: Path) -> None:
    settings = tmp_path / "playcall.toml"
    settings.write_text(
        '[documents]\nplaybook = "disks.md"\n[prometheus]\nurl = "http://127.0.0.1:9"\n'
        '[alertmanager]\nurl = "http://127.0.0.1:9"\n'
        '[mail]\nhost = "127.0.0.1"\nsender = "p@example.org"\ntls = "none"\n'
        '[people.ann]\nname = "Ann"\nmail = "ann@example.org"\n'
        '[on_call]\n"On-Call Primary" = ["ann"]\n'
    )
    document = written(tmp_path, "df -h")
    [problem] = found("--settings", settings, document)

    assert problem["code"] == "PC422"
    assert "'Team Lead'" in str(problem["what"])
    assert playcall("check", "--settings", settings, document).returncode == 1

    told = settings.read_text()
    settings.write_text(told.replace("[prometheus]", 'ignore = ["PC422"]\n[prometheus]'))
    assert found("--settings", settings, document) == []
    assert playcall("check", "--settings", settings, document).returncode == 0
