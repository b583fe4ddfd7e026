"""The server of commands."""

from __future__ import annotations

import pytest

from tests.reliability import commands


@pytest.fixture(scope="session", autouse=True)
def _server_of_commands() -> None:
    commands.start_server()
