"""What a database holds: its status, its scorecard, and the pages that show it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from generator.cli import results
from generator.cli.commands.files import write_output
from generator.cli.commands.inputs import database_path
from generator.cli.settings import Settings, effective_settings, load_settings
from generator.interruption import Interrupted
from generator.report import queries
from generator.scenario.errors import bad_input
from generator.sinks.summary import contents
from generator.sinks.target import label

# A page has its mark in its head, so in its first characters.
_HEAD = 4_096


def status(config: bool, **options: Any) -> results.Status:
    """Return what the database holds, or which settings are in force."""
    if config:
        found = effective_settings(**options)
        for setting in found:
            if setting.name == "database":
                setting.value = label(str(setting.value))
        return results.Configuration(settings=found)
    return contents(database_path(load_settings(**options)))


def report(settings: Settings, output: Path) -> results.Written:
    """Write the report on the marts of the database."""
    # What draws it takes a while to import, and no other command needs it.
    from generator.report import page

    if output.suffix.lower() not in (".html", ".htm") and not os.path.lexists(output):
        raise bad_input("would be an HTML file; let its name end in .html", str(output))
    text = page.html(queries.read(database_path(settings)))
    write_output(output, text, lambda held: page.MARK in held[:_HEAD])
    return results.Written(files=[str(output)])


def watch(settings: Settings, port: int) -> results.Watching:
    """Return the page that follows the database. Its port is taken already."""
    # No other command needs a server.
    from generator.watch.database import LiveDatabase
    from generator.watch.server import Server

    server = Server(LiveDatabase(settings.database), port)

    def serve() -> None:
        with server:
            try:
                server.serve_forever()
            except Interrupted:
                raise Interrupted(f"{server.url} is closed") from None

    return results.Watching(url=server.url, database=label(settings.database), serve=serve)


def scorecard(settings: Settings) -> results.Scorecard:
    """Return how realistic the database is, as dbt judged it."""
    file = database_path(settings)
    found = queries.read_realism(file)
    return results.Scorecard(
        database=str(file),
        workflow=found["scorecard"][0]["workflow"],
        platform=found["scorecard"][0]["platform"],
        benchmarks=[
            results.Judgement(
                name=row["benchmark_id"], what=f"{row['metric']}: {row['segment']}", **row
            )
            for row in found["scorecard"]
        ],
        shapes=[
            results.Judgement(name=row["shape_id"], what=row["figure"], is_binding=True, **row)
            for row in found["shapes"]
        ],
    )
