"""Topics of a real broker as the target of a live run."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from confluent_kafka import KafkaError, KafkaException

from generator.live.clock import moment_of
from generator.live.stream import Ending, stream
from generator.live.targets.kafka import KafkaTarget
from generator.live.timeline import EVENTS, Timeline
from generator.schema import PerformanceHourly
from generator.sinks.errors import DestinationError, DestinationFailedError
from generator.world.world import World
from tests.live.conftest import Tables, assert_equal, columns_of, plan_of
from tests.support import kafka

SENT = (*EVENTS, PerformanceHourly)
NAMES = [table.table_name for table in SENT]


@pytest.fixture(scope="module")
def broker() -> Iterator[kafka.Broker]:
    with kafka.broker() as started:
        yield started


def send(world: World, address: str, **changes: Any) -> Ending:
    timeline = Timeline(world, SENT)
    target = KafkaTarget(address)
    return stream(timeline, target, plan_of(timeline, world, **changes), lambda _: None)


def distinct(tables: Tables) -> dict[str, pa.Table]:
    """The rows of what is sent, each once: what a consumer keeps that knows what it has seen."""
    connection = duckdb.connect()
    found = {}
    for name in NAMES:
        connection.register("rows", tables[name])
        found[name] = connection.sql("select distinct * from rows").to_arrow_table()
    return found


def tables_in(broker: kafka.Broker, prefix: str, world: World, folder: Path) -> dict[str, pa.Table]:
    """The rows of topics, by table."""
    found = {}
    for name in NAMES:
        file = folder / f"{name}.ndjson"
        file.write_bytes(b"\n".join(value for _, value, _ in broker.values(f"{prefix}.{name}")))
        found[name] = duckdb.sql(
            f"select * from read_json('{file}', format='newline_delimited', "
            f"columns={columns_of(world, name)})"
        ).to_arrow_table()
    return found


def test_topics_are_the_batch(
    broker: kafka.Broker, tmp_path: Path, world: World, batch: Tables
) -> None:
    """In two runs, with rows as often as the batch has them."""
    address = broker.address("whole")
    middle = moment_of(datetime(2025, 10, 2, 20, 17))
    assert not send(world, address, until=middle).is_complete
    ending = send(world, address)
    assert (ending.is_complete, ending.went_on) == (True, True)
    assert_equal(tables_in(broker, "whole", world, tmp_path), {name: batch[name] for name in NAMES})
    again = send(world, address)
    assert (again.is_complete, again.totals.events) == (True, 0)


def test_records_have_a_household_as_key_and_say_what_they_are(
    broker: kafka.Broker, world: World
) -> None:
    until = moment_of(datetime(2025, 10, 1, 12))
    send(world, broker.address("keys"), until=until)
    records = broker.values("keys.ad_events")
    for key, value, headers in records:
        row = json.loads(value)
        assert key == (row["household_id"] and str(row["household_id"]).encode())
        assert headers == {"schema_version": b"1", "event_type": row["event_name"].encode()}
    assert records
    key, value, headers = broker.values("keys.performance_hourly")[0]
    assert key == str(json.loads(value)["campaign_id"]).encode()
    assert headers["event_type"] == b"performance_hourly"


def test_a_newer_run_takes_over_and_the_older_one_says_so(
    broker: kafka.Broker, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeline = Timeline(world, SENT)
    older = KafkaTarget(broker.address("two"))
    assert older.open(timeline.tables) is None
    assert send(world, broker.address("two")).is_complete
    until = moment_of(datetime(2025, 10, 1, 1))
    monkeypatch.setattr(older, "open", lambda tables: None)
    with pytest.raises(DestinationError, match="another live run has taken over"):
        stream(timeline, older, plan_of(timeline, world, until=until), print)


class Forgetful:
    """A producer that misses the answer to every fourth of its commits."""

    def __init__(self, producer: Any) -> None:
        self._producer, self._commits = producer, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)

    def commit_transaction(self, seconds: float) -> None:
        self._producer.commit_transaction(seconds)
        self._commits += 1
        if self._commits == 4:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT, "went away"))


class ForgetfulTarget(KafkaTarget):
    def _connect(self) -> None:
        super()._connect()
        self._producer = Forgetful(self._producer)


def test_a_transaction_of_which_the_answer_is_lost_is_not_sent_again(
    broker: kafka.Broker, tmp_path: Path, world: World, batch: Tables
) -> None:
    timeline = Timeline(world, SENT)
    target = ForgetfulTarget(broker.address("forgetful"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("generator.live.stream._ROWS", 1_000)
        patch.setattr("generator.live.stream._FIRST_WAIT", 0.01)
        ending = stream(timeline, target, plan_of(timeline, world), lambda _: None)
    assert ending.totals.errors > 1
    found = tables_in(broker, "forgetful", world, tmp_path)
    assert_equal(found, {name: batch[name] for name in NAMES})


def test_a_broker_that_is_away_for_a_while_gets_every_row(
    broker: kafka.Broker, tmp_path: Path, world: World, batch: Tables
) -> None:
    """It answers nothing for longer than the client waits for an answer."""
    settings = "socket.timeout.ms=1000&transaction.timeout.ms=5000&message.timeout.ms=2000"
    pauses = [threading.Timer(1.0, broker.pause), threading.Timer(5.0, broker.go_on)]
    for timer in pauses:
        timer.start()
    ending = send(world, f"{broker.address('away')}?{settings}")
    assert ending.is_complete
    found = tables_in(broker, "away", world, tmp_path)
    assert_equal(distinct(found), distinct(batch))


def test_no_broker_is_a_sentence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.live.targets.kafka._SECONDS_TO_CONNECT", 1.0)
    with pytest.raises(DestinationFailedError, match="check the address, that the broker runs"):
        send(world, "kafka://127.0.0.1:1/ads")


@pytest.mark.parametrize("address", ["kafka://", "kafka://host:1", "kafka://u:p@host/ads"])
def test_an_address_that_is_none_is_a_sentence(address: str) -> None:
    with pytest.raises(DestinationError, match="Kafka: the address cannot be read"):
        KafkaTarget(address)
