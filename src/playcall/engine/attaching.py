"""The files that go with a message: the post-mortem, as readers outside can open it. Made when the
message is sent, out of any transaction, and kept nowhere."""

from collections.abc import Awaitable, Callable

from playcall.core.message import Attachment
from playcall.core.post_mortem import PostMortem

# Of an incident's number and its post-mortem.
Attaching = Callable[[int, PostMortem], Awaitable[tuple[Attachment, ...]]]


async def as_markdown(incident: int, paper: PostMortem) -> tuple[Attachment, ...]:
    name = f"post-mortem-{incident}-version-{paper.version}.md"
    return (Attachment(name=name, kind="text/markdown", data=paper.text.encode()),)
