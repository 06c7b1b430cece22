"""The ports in memory, empty, one of each a test."""

from __future__ import annotations

import pytest
from fakes import MemoryBlobs, MemoryState


@pytest.fixture
def inbox() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def blobs() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def state() -> MemoryState:
    return MemoryState()
