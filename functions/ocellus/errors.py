"""What can go wrong, in the domain's words.

Every error carries a `detail` (what was expected, what was found) and a `remedy` (what to do).
`functions/main.py` maps each class to an HTTP status; nothing else does.
"""

from __future__ import annotations


class OcellusError(Exception):
    """Base of every error that Ocellus raises on purpose."""

    def __init__(self, detail: str, remedy: str = "") -> None:
        super().__init__(f"{detail} {remedy}".strip())
        self.detail = detail
        self.remedy = remedy


class BadInput(OcellusError):
    """The caller's bytes or words cannot be used; sending them again will not help."""


class InvalidImage(BadInput):
    """Bytes that are not a whole image of a known format."""


class InvalidLabel(BadInput):
    """A label that cannot name a class."""


class InvalidArchive(BadInput):
    """A zip that is broken, dangerous, or not laid out as one folder per label."""


class TooLarge(BadInput):
    """More bytes, pixels or files than the limit."""


class TooSlow(OcellusError):
    """The body did not arrive in time."""


class Overloaded(OcellusError):
    """More is asked than may be taken on just now; the same request may succeed later."""

    def __init__(self, detail: str, remedy: str, retry_after_s: int) -> None:
        super().__init__(detail, remedy)
        self.retry_after_s = retry_after_s


class Unauthorized(OcellusError):
    """No token, or a wrong one."""


class NotFound(OcellusError):
    """The named blob, version, run or sample does not exist."""


class AlreadyExists(OcellusError):
    """A write-once name is taken."""


class Conflict(OcellusError):
    """The state moved on; look again before you retry."""


class StalePointer(Conflict):
    """The serving pointer is not where the mover last saw it."""


class RunActive(Conflict):
    """A run is going; only one at a time."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"run {run_id} is active and only one run may be.",
            "Wait for it to finish, or cancel it.",
        )
        self.run_id = run_id


class LeaseLost(Conflict):
    """This trainer no longer owns the run: another took it over, or it ended."""


class InvalidManifest(OcellusError):
    """A manifest or artifact that does not say, or is not, what it must be."""


class StoreUnavailable(OcellusError):
    """State or Blobs cannot be reached just now."""


class InvalidSetting(OcellusError):
    """An environment variable is missing or malformed."""
