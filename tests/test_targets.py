"""The settings about where commands run: targets, credentials by class, bounds."""

import re
from pathlib import Path

import pytest

from playcall.core.plan import EffectClass
from playcall.engine.ports import Unavailable
from playcall.runner.building import Builder, build_placement, secret_values
from playcall.runner.redaction import Redactor
from playcall.settings import BadSettings, read_settings
from playcall.testing import a_command
from tests.test_settings import GOOD, written


def test_targets_have_credentials_by_class_and_the_page_about_them_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READ_TOKEN", "r-e-a-d")
    page = (Path(__file__).parent.parent / "docs" / "running.md").read_text("utf-8")
    (text,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    found = read_settings(written(tmp_path, GOOD + text))
    assert found.runner.observe.env["TOKEN"] == "r-e-a-d"
    assert secret_values(found.runner, found.targets) == ["r-e-a-d"]
    database, cluster = found.targets.values()
    assert database.known_hosts == str(tmp_path / "known_hosts")
    assert (database.observe.user, database.change.key) == (
        "playcall-read",
        str(tmp_path / "keys/write"),
    )
    assert cluster.observe.kubeconfig == cluster.change.kubeconfig
    placement = build_placement(found.runner, found.targets)
    places = [
        placement.place(None, a_command("1.1", effect=effect), lambda: "helm")
        for effect in (EffectClass.HEAVY, EffectClass.CHANGE)
    ]
    assert [place.whom for place in places] == [
        "deployment/playcall-observe",
        "deployment/playcall-change",
    ]
    build = Builder(runner=found.runner, redactor=Redactor(()))
    local = build.local()
    kinds = [type(build.target(name, t, local)).__name__ for name, t in found.targets.items()]
    assert kinds == ["Far", "Far"]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('[runner]\nread_only = "perhaps"', 'runner.read_only: "perhaps" is not one of auto'),
        ("[runner]\ndisk_limit = -1", "runner.disk_limit: -1 is below 0"),
        ('[targets.local]\nprograms = ["x"]', "targets.local: give it another name"),
        ('[targets.a]\nkind = "ftp"', 'targets.a.kind: "ftp" is not one of local'),
        ("[targets.a]", "targets.a: nothing runs there"),
        (
            '[targets.a]\nkind = "ssh"\nplays = ["x"]\nhost = "h"\nknown_hosts = "k"\nkey = "k"\n'
            'observe = { user = "u" }',
            "targets.a.user: is missing for change commands",
        ),
        (
            '[targets.a]\nplays = ["x"]\npod = "p"',
            "targets.a.pod: has no meaning for the kind local",
        ),
        (
            '[targets.a]\nplays = ["x"]\nenv = { "A-B" = "c" }',
            '"A-B" is not the name of a variable',
        ),
    ],
)
def test_a_target_that_cannot_be_is_told(tmp_path: Path, text: str, mistake: str) -> None:
    with pytest.raises(BadSettings) as refused:
        read_settings(written(tmp_path, GOOD + text + "\n"))
    assert mistake in str(refused.value)


def test_a_read_only_file_system_that_must_be_and_cannot_stops_the_start(tmp_path: Path) -> None:
    text = f'[runner]\nread_only = "always"\nenv = {{ PATH = "{tmp_path}" }}\n'
    found = read_settings(written(tmp_path, GOOD + text))
    with pytest.raises(Unavailable, match="bubblewrap is not installed"):
        Builder(runner=found.runner, redactor=Redactor(())).local()
