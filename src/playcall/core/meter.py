"""The progress meter that `curl` writes without `-s`: it stands among an answer, and is no part."""

import re

_METER = re.compile(
    r"^  % Total    % Received .*\n +Dload .*\n"
    r"|\r[ \d.:dhkMGTP-]{78}\n?",  # readings are written one over the other
    re.MULTILINE,
)


def without_meter(text: str) -> str:
    return _METER.sub("", text)
