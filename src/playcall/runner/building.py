"""Runners from the tables of the settings, and what people are told of each."""

import logging
import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from playcall.core.placement import LOCAL, Placement, Target
from playcall.engine.ports import Unavailable
from playcall.engine.running import Runner
from playcall.engine.turns import Limits
from playcall.runner.bounds import Bounds, why_not_read_only
from playcall.runner.far import Connect, Far
from playcall.runner.kubernetes import Kubernetes, Pod
from playcall.runner.local import MINIMAL, Local
from playcall.runner.redaction import Redactor, is_secret_name
from playcall.runner.ssh import SSH, Login
from playcall.runnerfile import Credentials, RunnerTable, TargetTable

log = logging.getLogger(__name__)


def build_placement(runner: RunnerTable, targets: Mapping[str, TargetTable]) -> Placement:
    return Placement(
        targets=tuple(_target(name, table) for name, table in targets.items()),
        local=_local_target(LOCAL, runner.observe.env, runner.change.env),
    )


def secret_values(runner: RunnerTable, targets: Mapping[str, TargetTable]) -> list[str]:
    """Of every environment that a command may get: what is named a secret, or has such a name."""
    envs = [runner.env, runner.observe.env, runner.change.env]
    for table in targets.values():
        envs += [table.env, table.observe.env, table.change.env]
    return list(
        {
            value
            for env in envs
            for name, value in env.items()
            if value and (name in runner.secrets or is_secret_name(name))
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    runner: RunnerTable
    redactor: Redactor
    files: Path | None = None

    def local(self) -> Local:
        """Raises Unavailable if `runner.read_only` asks for what this machine cannot do."""
        return self._local(self.runner.observe.env, self.runner.change.env, self._read_only())

    def target(self, name: str, table: TargetTable, local: Local) -> Runner:
        match table.kind:
            case "local":
                return self._local(
                    {**self.runner.observe.env, **table.observe.env},
                    {**self.runner.change.env, **table.change.env},
                    local.read_only,
                )
            case "ssh":
                return self._far(name, table, _ssh(table).connect)
            case _:
                return self._far(name, table, _kubernetes(table, self.runner).connect)

    def _local(self, env: Mapping[str, str], change: Mapping[str, str], read_only: bool) -> Local:
        return Local(
            env,
            self.runner.output_limit,
            self.redactor,
            files=self.files,
            change_env=change,
            bounds=self._bounds(),
            read_only=read_only,
        )

    def _far(self, name: str, table: TargetTable, connect: Connect) -> Far:
        return Far(
            connect=connect,
            name=name,
            env=table.observe.env,
            change_env=table.change.env,
            bounds=self._bounds(),
            output_limit=self.runner.output_limit,
            redactor=self.redactor,
        )

    def _bounds(self) -> Bounds:
        return Bounds(
            memory=self.runner.memory_limit,
            disk=self.runner.disk_limit,
            processes=self.runner.process_limit,
        )

    def _read_only(self) -> bool:
        wanted = self.runner.read_only
        if wanted == "never":
            return False
        why = why_not_read_only(self.runner.observe.env.get("PATH", MINIMAL["PATH"]))
        if why and wanted == "always":
            raise Unavailable(f"runner.read_only: {why}. Mend that, or allow less.", permanent=True)
        if why:
            log.warning(
                "Commands that only look run with a writable file system: %s. Install bubblewrap "
                'where the kernel lets it work, or set runner.read_only = "never".',
                why,
            )
        return not why


def _target(name: str, table: TargetTable) -> Target:
    match table.kind:
        case "local":
            found = _local_target(name, table.observe.env, table.change.env)
            where, observe, change = found.where, found.observe, found.change
        case "ssh":
            where = f"{table.host} by SSH"
            observe, change = table.observe.user, table.change.user
        case _:
            where = f"Kubernetes {table.namespace}".strip() + f" ({name})"
            observe, change = table.observe.pod, table.change.pod
    return Target(
        name=name,
        where=where,
        observe=observe,
        change=change,
        plays=table.plays,
        commands=table.commands,
        programs=table.programs,
    )


def _local_target(name: str, observe: Mapping[str, str], change: Mapping[str, str]) -> Target:
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        user = f"user {os.geteuid()}"
    two = observe != change
    return Target(
        name=name,
        where="the machine of Playcall" + (f" ({name})" if name != LOCAL else ""),
        observe=f"{user}, to observe" if two else user,
        change=f"{user}, to change" if two else user,
    )


def _ssh(table: TargetTable) -> SSH:
    return SSH(
        host=table.host,
        port=table.port,
        known_hosts=Path(table.known_hosts),
        observe=Login(user=table.observe.user, key=Path(table.observe.key)),
        change=Login(user=table.change.user, key=Path(table.change.key)),
    )


def _kubernetes(table: TargetTable, runner: RunnerTable) -> Kubernetes:
    def pod(own: Credentials, env: Mapping[str, str]) -> Pod:
        config = {"KUBECONFIG": own.kubeconfig} if own.kubeconfig else {}
        home = {"HOME": os.environ.get("HOME", "/")}  # where kubectl keeps what it learned
        return Pod(name=own.pod, context=own.context, env={**MINIMAL, **home, **env, **config})

    return Kubernetes(
        namespace=table.namespace,
        container=table.container,
        observe=pod(table.observe, runner.observe.env),
        change=pod(table.change, runner.change.env),
    )


def build_limits(runner: RunnerTable) -> Limits:
    return Limits(
        in_all=runner.parallel,
        per_incident=runner.parallel_per_incident,
        per_target=runner.parallel_per_target,
    )
