"""How something outside fails, for whoever asked it."""

from datetime import timedelta


class Unavailable(Exception):
    """Something outside did not do what was asked."""

    def __init__(
        self, what: str, *, permanent: bool = False, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(what)
        self.permanent = permanent
        self.retry_after = retry_after  # what the other side asks for; None: it did not say
