"""ConfigMaps as directories: a file for each key, as the ConfigMap is now.

There are no mounts: where a container wants its volume, a link leads to the directory.
"""

import asyncio
import contextlib
import shutil
from pathlib import Path

from drillrange.cluster.objects import Object, Objects
from drillrange.cluster.pods import Unstartable


class Volumes:
    """Follows the ConfigMaps, whether they are mounted or not: they are few."""

    def __init__(self, objects: Objects, directory: Path) -> None:
        self._objects = objects
        self._directory = directory

    async def serve(self) -> None:
        """Until cancelled."""
        with self._objects.watch("configmaps") as changes:
            for found in self._objects.list("configmaps"):
                self._write(found)
            while True:
                change = await changes.get()
                if change.kind == "DELETED":
                    shutil.rmtree(self._of(change.about), ignore_errors=True)
                else:
                    await asyncio.to_thread(self._write, change.about)

    def mount(self, pod: Object, container: str) -> None:
        """Make the links of one container. Raises Unstartable."""
        volumes = {made["name"]: made for made in pod["spec"].get("volumes") or []}
        (spec,) = (made for made in pod["spec"]["containers"] if made["name"] == container)
        for wanted in spec.get("volumeMounts") or []:
            if wanted["name"] not in volumes:
                raise Unstartable(f'volume "{wanted["name"]}" not found')
            self._link(pod, volumes[wanted["name"]], Path(wanted["mountPath"]))

    def _link(self, pod: Object, volume: Object, path: Path) -> None:
        source = volume.get("configMap")
        if source is None or "items" in source:
            told = "the pocket cluster mounts whole ConfigMaps only"
            raise Unstartable(f'volume "{volume["name"]}": {told}')
        namespace = pod["metadata"]["namespace"]
        found = self._objects.find("configmaps", source["name"], namespace)
        if found is None and not source.get("optional"):
            raise Unstartable(f'configmap "{source["name"]}" not found')
        target = self._of({"metadata": {"name": source["name"], "namespace": namespace}})
        if found is not None:
            self._write(found)
        try:
            if path.is_symlink() and path.readlink().is_relative_to(self._directory):
                path.unlink()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(target)
        except OSError as error:
            told = f"mountPath {path} cannot be made a link to the volume: {error.strerror}"
            raise Unstartable(told) from error

    def _of(self, config_map: Object) -> Path:
        meta = config_map["metadata"]
        return self._directory / str(meta["namespace"]) / str(meta["name"])

    def _write(self, config_map: Object) -> None:
        """Each file changes as a whole."""
        directory, data = self._of(config_map), config_map.get("data") or {}
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in data.items():
            draft = directory / f".{name}.draft"
            draft.write_text(content, "utf-8")
            draft.replace(directory / name)
        for left in directory.iterdir():
            if left.name not in data and not left.name.startswith("."):
                with contextlib.suppress(FileNotFoundError):
                    left.unlink()
