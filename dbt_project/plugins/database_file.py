"""A plugin of dbt-duckdb that looks at the DuckDB file before dbt opens it: it makes the folder,
and says in one line why the file cannot be opened, for which dbt has tracebacks."""

from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError


class Plugin(BasePlugin):
    """Checks the file of the target once, when dbt connects to it."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:  # noqa: ARG002
        """Make the folder of the file and try the file.

        Raises:
            DbtRuntimeError: The folder cannot be made or the file cannot be opened.
        """
        path = self.creds.path
        if path == ":memory:" or self.creds.is_motherduck:
            return
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            duckdb.connect(path).close()
        except (OSError, duckdb.Error) as error:
            raise DbtRuntimeError(reason(path, str(error).splitlines()[0])) from error


def reason(path: str, message: str) -> str:
    """Return what is wrong with a file, and what to do, by the first line of DuckDB's message."""
    if "could not set lock" in message.lower():
        return f"{path} is open in another process: close it there and run dbt again"
    if "not a valid duckdb database file" in message.lower() or "_scanner" in message:
        return f"{path} is not a DuckDB database: name another file in ADS_DATABASE"
    return f"{path} cannot be opened: {message}"
