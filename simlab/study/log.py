"""The log of a store: what was started when, with which settings, what failed, and how it ended."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simlab.foundation.errors import shown

# Further failures of a run are in the store alone.
_MOST_FAILURES = 1_000


class RunLog:
    """A text file that lines are added to, each with the time. One that cannot be written is done without."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._failures = 0
        self._logger = logging.Logger("simlab.run")
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handler = logging.FileHandler(path, encoding="utf-8", delay=False)
        except OSError:
            self.path = None
            return
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z"))
        self._logger.addHandler(handler)

    def say(self, text: str, **facts: Any) -> None:
        """Add a line: a text, and facts as name=value."""
        details = "  ".join(f"{name}={shown(value, 2000)}" for name, value in facts.items() if value is not None)
        self._logger.info("%s", f"{text}  {details}".rstrip())

    def failed(self, cells: Sequence[tuple[str, str, str]]) -> None:
        """Add a line for each cell that failed: its id, status and message."""
        for name, status, message in cells:
            self._failures += 1
            if self._failures <= _MOST_FAILURES:
                self.say(f"{status}  {name}  {shown(message, 400)}")
            elif self._failures == _MOST_FAILURES + 1:
                self.say("more cells failed: the store has them")

    def close(self) -> None:
        """Close the file."""
        for handler in list(self._logger.handlers):
            handler.close()
            self._logger.removeHandler(handler)
