"""State in one SQLite file."""

from __future__ import annotations

from ocellus.adapters.embedded.sqlite_audit import SqliteAudit
from ocellus.adapters.embedded.sqlite_counters import SqliteCounters
from ocellus.adapters.embedded.sqlite_runs import SqliteRuns
from ocellus.adapters.embedded.sqlite_samples import SqliteSamples
from ocellus.adapters.embedded.sqlite_serving import SqliteServing


class SqliteState(SqliteServing, SqliteRuns, SqliteSamples, SqliteCounters, SqliteAudit):
    """State in one SQLite file, shared by the functions and the trainer of one machine.

    `close` it at the end. Audit events name their particulars: `promoted` has version, previous,
    reason and, from a run, run; `published` has version, run and sentence; `run_ended` has run,
    status and reason.
    """
