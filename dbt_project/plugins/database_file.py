"""A plugin of dbt-duckdb that looks at the DuckDB file before dbt opens it: it makes the folder,
waits a moment where a live run writes to the file, and says in one line why it cannot be opened,
for which dbt has tracebacks. What dbt has read of the project by then is kept from Python's garbage
collector."""

import gc
import time
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError

SECONDS_OF_PATIENCE, SECONDS_BETWEEN_TRIES = 4, 0.005
LOCKED = "could not set lock"


class Plugin(BasePlugin):
    """Checks the file of the target once, when dbt connects to it."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:  # noqa: ARG002
        """Make the folder of the file and try the file.

        Raises:
            DbtRuntimeError: The folder cannot be made or the file cannot be opened.
        """
        gc.freeze()
        path = self.creds.path
        if path == ":memory:" or self.creds.is_motherduck:
            return
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            try_to_open(path)
        except (OSError, duckdb.Error) as error:
            raise DbtRuntimeError(reason(path, str(error).splitlines()[0])) from error


def try_to_open(path: str) -> None:
    """Open and close a file. A live run has it for a second at a time; its next pause is waited
    for."""
    deadline = time.monotonic() + SECONDS_OF_PATIENCE
    while True:
        try:
            return duckdb.connect(path).close()
        except duckdb.IOException as error:
            if time.monotonic() > deadline or LOCKED not in str(error).lower():
                raise
            time.sleep(SECONDS_BETWEEN_TRIES)


def reason(path: str, message: str) -> str:
    """Return what is wrong with a file, and what to do, by the first line of DuckDB's message."""
    if LOCKED in message.lower():
        return f"{path} is open in another process: close it there and run dbt again"
    if "not a valid duckdb database file" in message.lower() or "_scanner" in message:
        return f"{path} is not a DuckDB database: name another file in ADS_DATABASE"
    return f"{path} cannot be opened: {message}"
