"""What ends a child process when its owner ends, even by SIGKILL."""

from __future__ import annotations

import subprocess


class Lifeline:
    """Kills a process group as soon as this process is no more, or `cut` is called.

    The group's leader is a child started with `start_new_session=True`.
    """

    def __init__(self, leader: int) -> None:
        # The watcher's standard input ends when this process does, however that happens.
        self._watcher = subprocess.Popen(
            ["sh", "-c", f"read _; kill -s KILL -- -{leader} 2>&-"],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def cut(self) -> None:
        """Kill what is left of the group; once cut, nothing happens."""
        self._watcher.communicate()

    def let_go(self) -> None:
        """Leave the group alone from now on."""
        self._watcher.kill()
        self._watcher.communicate()
