"""An S3 server that the tests of destinations share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import s3


@pytest.fixture(scope="session")
def running_s3() -> Iterator[s3.Server]:
    """A server for all tests of the process."""
    with s3.server() as started:
        yield started


@pytest.fixture
def s3_server(running_s3: s3.Server, monkeypatch: pytest.MonkeyPatch) -> s3.Server:
    """The server, which clients find by the usual variables."""
    for name, value in running_s3.environment.items():
        monkeypatch.setenv(name, value)
    return running_s3
