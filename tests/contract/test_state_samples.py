"""The contract of State: samples and event claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from ocellus.audit import AuditEvent
from ocellus.errors import NotFound
from ocellus.ports import State
from ocellus.runs import Mode, RunStatus
from ocellus.samples import Filing, Sample, sha256_of


def make_sample(number: int, label: str = "cat") -> Sample:
    return Sample(
        sha256=sha256_of(b"%d" % number),
        label=label,
        extension="png",
        size_bytes=100 + number,
        filed_at=1000.5 + number,
        source="upload",
    )


def begin_run(state: State) -> str:
    return state.begin_run(
        trigger="threshold",
        mode=Mode.AUTO,
        include_set_aside=False,
        requested_by="ann",
        now=0.0,
        lease_s=60.0,
    ).id


def test_a_new_sample_is_filed_as_it_was_handed_in(state: State) -> None:
    assert state.file_sample(make_sample(1), "event") is Filing.NEW
    assert state.samples() == [make_sample(1)]


def test_filing_claims_the_event(state: State) -> None:
    state.file_sample(make_sample(1), "event")
    assert state.claim("event", now=0.0) is False


def test_a_claimed_event_files_nothing(state: State) -> None:
    state.claim("event", now=0.0)
    assert state.file_sample(make_sample(1), "event") is Filing.REPLAYED
    assert state.samples() == []
    assert state.new_samples() == 0


def test_a_replay_is_a_replay_whatever_it_brings(state: State) -> None:
    state.file_sample(make_sample(1), "event")
    for sample in (make_sample(1), make_sample(2)):
        assert state.file_sample(sample, "event") is Filing.REPLAYED
    assert state.samples() == [make_sample(1)]


@pytest.mark.parametrize(
    ("label", "filing"), [("cat", Filing.DUPLICATE), ("dog", Filing.CONFLICTING)]
)
def test_an_image_on_file_is_left_as_it_is(state: State, label: str, filing: Filing) -> None:
    state.file_sample(make_sample(1), "first")
    again = replace(make_sample(1, label=label), filed_at=2000.0, extension="jpg", source="page")
    assert state.file_sample(again, "second") is filing
    assert state.samples() == [make_sample(1)]
    assert state.new_samples() == 1


def test_a_duplicate_claims_its_event(state: State) -> None:
    state.file_sample(make_sample(1), None)
    state.file_sample(make_sample(1), "event")
    assert state.claim("event", now=0.0) is False


def test_a_conflicting_sample_leaves_its_event_unclaimed(state: State) -> None:
    state.file_sample(make_sample(1), None)
    state.file_sample(make_sample(1, label="dog"), "event")
    assert state.claim("event", now=0.0) is True


def test_a_conflict_is_told_again_when_its_event_comes_again(state: State) -> None:
    state.file_sample(make_sample(1), "event")
    assert state.file_sample(make_sample(1, label="dog"), "event") is Filing.CONFLICTING


def test_a_sample_without_an_event_is_filed_too(state: State) -> None:
    filings = [state.file_sample(make_sample(1), None) for _ in range(2)]
    assert filings == [Filing.NEW, Filing.DUPLICATE]


def test_the_first_claim_of_an_event_wins_for_ever(state: State) -> None:
    assert [state.claim("event", now=float(i)) for i in range(3)] == [True, False, False]
    assert state.claim("other", now=3.0)


def test_an_event_is_claimed_once_somebody_claimed_it(state: State) -> None:
    assert state.claimed("event") is False
    state.claim("event", now=0.0)
    assert state.claimed("event") is True
    assert state.claimed("other") is False


def test_filing_a_sample_claims_its_event_for_all_to_see(state: State) -> None:
    state.file_sample(make_sample(1), "event")
    assert state.claimed("event") is True


def test_the_first_claim_puts_its_lines_on_record_and_no_other_does(
    state: State, in_threads: Any
) -> None:
    def lines(caller: int) -> list[AuditEvent]:
        return [AuditEvent(float(n), "inbox", "rejected", {"caller": caller}) for n in range(3)]

    calls = [partial(state.claim, "event", 5.0, record=iter(lines(i))) for i in range(10)]
    outcomes = in_threads(calls)
    assert Counter(outcomes) == {True: 1, False: 9}
    assert state.history() == lines(outcomes.index(True))[::-1]


def test_samples_are_listed_oldest_first(state: State) -> None:
    for number in (3, 1, 2):
        state.file_sample(make_sample(number), None)
    assert state.samples() == [make_sample(number) for number in (1, 2, 3)]


def test_labels_on_file_are_those_of_the_samples_asked_for(state: State) -> None:
    for number, label in enumerate(("cat", "dog", "cat")):
        state.file_sample(make_sample(number, label), None)
    asked = [make_sample(number).sha256 for number in (1, 2, 1, 3)]
    assert state.labels_on_file(asked) == {asked[0]: "dog", asked[1]: "cat"}


@pytest.mark.parametrize("sha256s", [[], ["", "x/../y", "é", "A" * 64]])
def test_what_is_no_hash_is_not_on_file(state: State, sha256s: list[str]) -> None:
    state.file_sample(make_sample(1), None)
    assert state.labels_on_file(sha256s) == {}


def test_labels_of_hundreds_of_images_are_told_at_once(state: State) -> None:
    state.file_sample(make_sample(499), None)
    asked = [make_sample(number).sha256 for number in range(500)]
    assert state.labels_on_file(asked) == {asked[-1]: "cat"}


def test_remove_takes_one_sample_off_file_and_returns_it(state: State) -> None:
    for number in (1, 2):
        state.file_sample(make_sample(number), None)
    assert state.remove_sample(make_sample(1).sha256) == make_sample(1)
    assert state.samples() == [make_sample(2)]


@pytest.mark.parametrize("sha256", [make_sample(2).sha256, "", "x/../y"])
def test_remove_of_an_unknown_sample_is_not_found(state: State, sha256: str) -> None:
    state.file_sample(make_sample(1), None)
    with pytest.raises(NotFound):
        state.remove_sample(sha256)


def test_a_removed_sample_still_counts_as_filed(state: State) -> None:
    state.file_sample(make_sample(1), None)
    state.remove_sample(make_sample(1).sha256)
    assert state.new_samples() == 1
    assert state.file_sample(make_sample(1), None) is Filing.NEW
    assert state.new_samples() == 2


def test_before_the_first_run_every_sample_is_new(state: State) -> None:
    assert state.new_samples() == 0
    for number in range(3):
        state.file_sample(make_sample(number), None)
    assert state.new_samples() == 3


def test_new_samples_are_counted_from_the_newest_run(state: State) -> None:
    state.file_sample(make_sample(1), None)
    run_id = begin_run(state)
    assert state.new_samples() == 0
    state.end_run(run_id, RunStatus.FAILED, "out of memory", now=1.0)
    for number in (2, 3):
        state.file_sample(make_sample(number), None)
    assert state.new_samples() == 2
    begin_run(state)
    assert state.new_samples() == 0


def test_a_snapshot_starts_the_count_again(state: State) -> None:
    run_id = begin_run(state)
    state.file_sample(make_sample(1), None)
    state.take_run(run_id, "trainer", now=1.0, lease_s=60.0)
    assert state.new_samples() == 1
    state.snapshot_run(run_id, "trainer")
    assert state.new_samples() == 0
    state.file_sample(make_sample(2), None)
    assert state.new_samples() == 1


def test_of_many_threads_one_claims_an_event(state: State, in_threads: Any) -> None:
    outcomes = in_threads([partial(state.claim, "event", float(i)) for i in range(20)])
    assert Counter(outcomes) == {True: 1, False: 19}


def test_a_storm_of_duplicate_events_files_each_sample_once(state: State, in_threads: Any) -> None:
    def storm(thread: int) -> list[Filing]:
        order = [(number * 7 + thread) % 10 for number in range(10)]
        return [state.file_sample(make_sample(i), f"event {i}") for i in order]

    filings = sum(in_threads([partial(storm, thread) for thread in range(20)]), [])
    assert Counter(filings) == {Filing.NEW: 10, Filing.REPLAYED: 190}
    assert state.samples() == [make_sample(number) for number in range(10)]
    assert state.new_samples() == 10


def test_processes_that_file_the_same_samples_file_each_once(
    state: State, open_state: Callable[[], State], in_processes: Any
) -> None:
    calls = [("file_sample", (make_sample(number), None), {}) for number in range(20)]
    filings = sum(in_processes(open_state, [calls, calls[::-1], calls]), [])
    assert Counter(filings) == {Filing.NEW: 20, Filing.DUPLICATE: 40}
    assert state.new_samples() == 20
