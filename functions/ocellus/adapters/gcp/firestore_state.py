"""State in one Firestore database."""

from __future__ import annotations

from ocellus.adapters.gcp.firestore_audit import FirestoreAudit
from ocellus.adapters.gcp.firestore_counters import FirestoreCounters
from ocellus.adapters.gcp.firestore_leases import FirestoreLeases
from ocellus.adapters.gcp.firestore_publishing import FirestorePublishing
from ocellus.adapters.gcp.firestore_samples import FirestoreSamples
from ocellus.adapters.gcp.firestore_serving import FirestoreServing


class FirestoreState(
    FirestoreServing,
    FirestoreLeases,
    FirestorePublishing,
    FirestoreSamples,
    FirestoreCounters,
    FirestoreAudit,
):
    """State in one Firestore database, shared by all functions and trainers of a deployment.

    `close` it at the end. Documents are laid out as `firestore_documents` says, audit events named
    as SqliteState names them.

    A change whose answer was lost on the way may be sent twice: what it creates or moves then
    happens once, and the second answer tells of it as another's (`RunActive`, REPLAYED …).
    """
