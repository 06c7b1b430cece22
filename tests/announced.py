"""The CloudEvents that a back end sends for what lies in its inbox."""

from __future__ import annotations

from emulators import storage
from google.cloud.storage import Client

from ocellus.adapters.embedded import events
from ocellus.settings import Settings


def announcement(settings: Settings, name: str) -> tuple[dict[str, str], bytes]:
    """Return the headers and body of the event for an object of the inbox, as it is now."""
    if settings.gcp is None:
        return events.finalized(name, (settings.data_dir / "inbox" / name).stat())
    return storage.finalized(Client().bucket(settings.inbox_bucket).get_blob(name)._properties)
