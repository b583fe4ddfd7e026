"""An S3 server of the tests' own, in a thread, with one empty bucket."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import boto3
from moto.server import ThreadedMotoServer

BUCKET = "adverts"


@dataclass(frozen=True)
class Server:
    """Listens on a port of this machine."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which clients find it."""
        return {
            "AWS_ACCESS_KEY_ID": "user",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def server() -> Iterator[Server]:
    """A running server."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    try:
        host, port = running.get_host_and_port()
        started = Server(f"http://{host}:{port}")
        boto3.client(
            "s3",
            endpoint_url=started.endpoint,
            region_name="us-east-1",
            aws_access_key_id="user",
            aws_secret_access_key="secret",
        ).create_bucket(Bucket=BUCKET)
        yield started
    finally:
        running.stop()
