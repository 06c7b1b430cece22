"""The audit trail's events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class AuditEvent:
    """One line of the audit trail: who did what, when, with the particulars."""

    at: float
    actor: str
    action: str
    detail: Mapping[str, Any]
