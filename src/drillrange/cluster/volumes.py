"""Volumes of pods as directories: ConfigMaps, a file for each key as it is now, and `emptyDir`s.

With the right to mount, a container sees its volume at mountPath and nobody else does; without, a
link leads there, for everybody. A mountPath that is not there is made, and goes with the cluster.
"""

import base64
import contextlib
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from drillrange.cluster.confinement import Mount
from drillrange.cluster.objects import Object, Objects
from drillrange.cluster.pods import Unstartable

DRAFT = "..draft"  # no key begins with two dots


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A ConfigMap in a directory; `items` are keys and the paths that they get, None is all."""

    namespace: str
    name: str
    items: tuple[tuple[str, str], ...] | None
    optional: bool


class Volumes:
    """Those of all pods of one machine; `mounting` is whether containers may have mounts."""

    def __init__(self, objects: Objects, directory: Path, *, mounting: bool) -> None:
        self._objects = objects
        self._directory = directory
        self._mounting = mounting
        self._views: dict[Path, View] = {}
        self._made: list[Path] = []  # outside of the directory, the outermost first

    async def serve(self) -> None:
        """Bring the files of changed ConfigMaps up to date, until cancelled."""
        with self._objects.watch("configmaps") as changes:
            while True:
                change = await changes.get()
                meta = change.about["metadata"]
                for directory, view in self._views.items():
                    if (view.namespace, view.name) == (meta["namespace"], meta["name"]):
                        self._refresh(directory, view)

    def close(self) -> None:
        """Take away what was made for mountPaths."""
        for path in reversed(self._made):
            with contextlib.suppress(OSError):
                path.unlink() if path.is_symlink() else path.rmdir()

    def provide(self, pod: Object, container: str) -> tuple[Mount, ...]:
        """The volumes of one container, and what is to be mounted for it. Raises Unstartable."""
        volumes = {made["name"]: made for made in pod["spec"].get("volumes") or []}
        (spec,) = (made for made in pod["spec"]["containers"] if made["name"] == container)
        mounts = []
        for wanted in spec.get("volumeMounts") or []:
            volume = volumes[wanted["name"]]
            source, path = self._fill(pod, volume), _mount_path(wanted)
            if self._mounting:
                read_only = "configMap" in volume or bool(wanted.get("readOnly"))
                self._make_directory(path)
                mounts.append(Mount(source=source, path=path, read_only=read_only))
            else:
                self._link(path, source)
        return tuple(mounts)

    def forget(self, pod: Object) -> None:
        """A pod has ended: its own directories go."""
        shutil.rmtree(self._directory / "pods" / str(pod["metadata"]["uid"]), ignore_errors=True)

    # --- what is in them

    def _fill(self, pod: Object, volume: Object) -> Path:
        """The directory of a volume. Raises Unstartable."""
        if "emptyDir" in volume:
            own = self._directory / "pods" / str(pod["metadata"]["uid"])
            directory = own / str(volume["name"])
            directory.mkdir(parents=True, exist_ok=True)
            directory.chmod(0o777)
            return directory
        view = _view(pod["metadata"]["namespace"], volume["configMap"])
        told = hashlib.sha256(json.dumps(view.items).encode()).hexdigest()[:8]
        place = view.name if view.items is None else f"{view.name}.{told}"
        directory = self._directory / "configmaps" / view.namespace / place
        directory.mkdir(parents=True, exist_ok=True)
        self._check(view)
        self._views[directory] = view
        self._refresh(directory, view)
        return directory

    def _check(self, view: View) -> None:
        """Raises Unstartable."""
        found = self._objects.find("configmaps", view.name, view.namespace)
        if view.optional:
            return
        if found is None:
            raise Unstartable(f'configmap "{view.name}" not found')
        for key, _ in view.items or ():
            if key not in _contents(found):
                raise Unstartable(f'configmap "{view.name}" references non-existent key: {key}')

    def _refresh(self, directory: Path, view: View) -> None:
        """Each file changes as a whole. A ConfigMap that is gone stays as it was."""
        found = self._objects.find("configmaps", view.name, view.namespace)
        if found is None:
            return
        contents = _contents(found)
        items = view.items if view.items is not None else [(key, key) for key in contents]
        files = {directory / path: contents[key] for key, path in items if key in contents}
        for path, content in files.items():
            _write(path, content)
        for left in directory.rglob("*"):
            if left not in files and not left.is_dir():
                left.unlink()

    # --- where they are seen

    def _link(self, path: Path, source: Path) -> None:
        """Raises Unstartable."""
        if path.is_symlink() and path.readlink() == source:
            return
        if path.is_symlink() and self._is_old(path.readlink()):
            path.unlink()
        self._make_directory(path.parent)
        try:
            path.symlink_to(source)
        except OSError as error:
            told = f"mountPath {path} cannot be made a link to the volume: {error.strerror}. "
            told += "Name a path that is not there yet, another one for each pod that differs."
            raise Unstartable(told) from error
        self._made.append(path)

    def _is_old(self, target: Path) -> bool:
        return target.is_relative_to(self._directory) and not target.exists()

    def _make_directory(self, path: Path) -> None:
        """Raises Unstartable."""
        missing = [one for one in (path, *path.parents) if not one.exists()]
        try:
            for one in reversed(missing):
                one.mkdir(exist_ok=True)
                self._made.append(one)
        except OSError as error:
            told = f"mountPath {path} is not there and cannot be made: {error.strerror}"
            raise Unstartable(told) from error
        if not path.is_dir():
            raise Unstartable(f"mountPath {path} is no directory. Name one, or a new path.")


def _view(namespace: str, source: Object) -> View:
    items = source.get("items")
    return View(
        namespace=namespace,
        name=source["name"],
        items=None if items is None else tuple((one["key"], one["path"]) for one in items),
        optional=bool(source.get("optional")),
    )


def _contents(config_map: Object) -> dict[str, bytes]:
    data, binary = config_map.get("data") or {}, config_map.get("binaryData") or {}
    texts = {key: value.encode() for key, value in data.items()}
    return texts | {key: base64.b64decode(value) for key, value in binary.items()}


def _write(path: Path, content: bytes) -> None:
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{DRAFT}.{path.name}")
    draft.write_bytes(content)
    draft.replace(path)


def _mount_path(wanted: Object) -> Path:
    """Raises Unstartable."""
    path = Path(wanted["mountPath"])
    if not path.is_absolute() or ".." in path.parts:
        raise Unstartable(f"mountPath {path} is not absolute")
    if wanted.get("subPath") or wanted.get("subPathExpr"):
        raise Unstartable(f"mountPath {path}: the pocket cluster knows no subPath")
    return path
