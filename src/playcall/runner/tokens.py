"""How the tokens of well-known services look: the patterns of detect-secrets, which is maintained,
without those that name no single service or that cost more than they are worth."""

import re
from collections.abc import Iterator, Mapping
from functools import cache

# Its guesses (entropy, names of variables, addresses) hide half of an output; private keys, logins
# in URLs and web tokens are found in a stream by shapes of our own; assignments to variables of
# IBM's services cost ten times all the others together, and ours are found by their names.
LEFT_OUT = frozenset(
    {
        "Base64 High Entropy String",
        "Basic Auth Credentials",
        "Cloudant Credentials",
        "Hex High Entropy String",
        "IBM COS HMAC Credentials",
        "IBM Cloud IAM Key",
        "JSON Web Token",
        "Private Key",
        "Public IP (ipv4)",
        "Secret Keyword",
        "SoftLayer Credentials",
    }
)
# What is in every token, in lower case. Looked for first where its pattern is slow to look for; one
# that begins with letters is not.
_HINTS = {
    "aws.{0,20}?": (b"aws",),
    "[0-9a-z]{32}-us": (b"-us",),
    r"\d{8,10}:": (b":aa",),
    "xox(?:": (b"xox",),
    "https://hooks": (b"hooks.slack.com",),
    "(?:r|s)k_live_": (b"k_live_",),
    r"(?:\s|=|:": (b"akc",),
    r"\/\/.+": (b"_authtoken",),
    "sk-": (b"t3blbkfj",),
    "[MNO]": (b".",),
}
# What has no bound in them takes quadratic time in an output that is made for it.
_BOUNDS = ((".+", ".{1,200}"), (".*", ".{0,200}"), ("_]*", "_]{0,200}"))
# Encrypted passwords of Artifactory look like any word in capitals that begins with AP.
_TOO_WIDE = r'(?:\s|=|:|"|^)AP'


@cache
def patterns() -> tuple[tuple[tuple[bytes, ...], re.Pattern[bytes]], ...]:
    """Each with its hints: with none of them in a text, the pattern is not in it either. No hints:
    it is looked for in every text."""
    return tuple(_read())


def _read() -> Iterator[tuple[tuple[bytes, ...], re.Pattern[bytes]]]:
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.base import BasePlugin, RegexBasedDetector

    plugins: Mapping[str, type[BasePlugin]] = get_mapping_from_secret_type_to_class()
    for kind, plugin in sorted(plugins.items()):
        if kind in LEFT_OUT or not issubclass(plugin, RegexBasedDetector):
            continue
        for known in plugin().denylist:
            if known.pattern.startswith(_TOO_WIDE):
                continue
            text = known.pattern
            for endless, bounded in _BOUNDS:
                text = text.replace(endless, bounded)
            hints = next((h for start, h in _HINTS.items() if known.pattern.startswith(start)), ())
            yield hints, re.compile(f"()(?:{text})".encode(), known.flags & ~re.UNICODE)
