"""Jobs where the trainer waits on the same data folder, say in a container of its own."""

from __future__ import annotations

from ocellus.runs import parse_run_id


class WaitingTrainer:
    """Nothing is started or stopped from here: State has said it all.

    A run that has begun lies QUEUED, and `python -m training_job --wait` takes it. One that has
    been ended is left by its trainer at the next heartbeat, in two seconds. So `start` never
    fails; where nobody waits, the run stays QUEUED.
    """

    def start(self, run_id: str) -> None:
        parse_run_id(run_id)

    def cancel(self, run_id: str) -> None:
        parse_run_id(run_id)
