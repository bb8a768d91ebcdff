"""Keeps documents that Playcall writes, as files."""

import os
from dataclasses import dataclass
from pathlib import Path

from playcall.engine.ports import Unavailable


@dataclass(frozen=True, slots=True)
class Files:
    """`ports.Archive` in one directory."""

    directory: Path

    def keep(self, name: str, text: str) -> str:
        path = self.directory / name
        draft = path.with_suffix(".draft")
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            with draft.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            raise Unavailable(f"{path} cannot be written: {error.strerror}") from error
        return str(path)
