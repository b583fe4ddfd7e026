"""Topics of a broker that speaks Kafka's protocol.

`PREFIX.TABLE` has the rows of a table as JSON, keyed by household, with the headers
`schema_version` and `event_type`. The time of a record is the time of day, since brokers drop old
ones; event time is in the payload. A slice is a transaction, and so is the state that `PREFIX.live`
has after it. Its record follows when all rows have arrived, so that with a broker that shows what
was not committed a slice is sent again rather than left out. A newer run fences an older one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from generator.extras import packages_of
from generator.live.json_lines import json_lines
from generator.live.targets.target import Target, TargetAwayError
from generator.schema.arrow import to_arrow
from generator.schema.live import SCHEMA_VERSION, LiveSlice, LiveState
from generator.sinks.errors import DestinationError, DestinationFailedError

if TYPE_CHECKING:
    from generator.live.timeline import Slice
    from generator.schema import RawTable
    from generator.sinks.sink import Piece

with suppress(ImportError):  # opening says what is missing
    from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
    from confluent_kafka.admin import AdminClient, NewTopic

_PARTITIONS = 4
_ROWS_AT_ONCE = 50_000
_SECONDS_TO_CONNECT, _SECONDS_AT_ONCE = 15.0, 0.5
_LAST_RECORDS = 50
_STATE = "state"
_SETTINGS = {
    "enable.idempotence": True,
    "linger.ms": 20,
    "batch.size": 1_000_000,
    "queue.buffering.max.messages": 200_000,
    "compression.type": "lz4",
}
# The columns that a row can be keyed by, the first one that it has.
_KEYS = ("household_id", "campaign_id")

_log = logging.getLogger("generator.kafka")
_log.propagate = False


class KafkaTarget(Target):
    """Topics by their address, `kafka://HOST:PORT,HOST:PORT/PREFIX`. What follows a question mark
    are settings of librdkafka: `?security.protocol=SASL_SSL&sasl.username=…`."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._prefix = parts.path.strip("/")
        brokers = parts.netloc
        if not brokers or not self._prefix or "/" in self._prefix or "@" in brokers:
            raise DestinationError(
                "Kafka: the address cannot be read; it is kafka://HOST:PORT/PREFIX, with a user as "
                "?sasl.username=USER&sasl.password=PASSWORD"
            )
        self.label = f"kafka://{brokers}/{self._prefix}"
        self._common: dict[str, Any] = {
            "bootstrap.servers": brokers,
            **dict(parse_qsl(parts.query)),
        }
        self._producer: Any = None

    def open(self, tables: Iterable[type[RawTable]]) -> LiveState | None:
        """Fence other runs, make missing topics, and read how far an earlier run is."""
        with packages_of("kafka", "Kafka"):
            import confluent_kafka  # noqa: F401
        names = [self._topic(table.table_name) for table in tables]
        try:
            admin = AdminClient(self._common, logger=_log)
            known = admin.list_topics(timeout=_SECONDS_TO_CONNECT).topics
            wanted = [NewTopic(name, _PARTITIONS) for name in names]
            wanted.append(NewTopic(self._topic("live"), 1, config={"cleanup.policy": "compact"}))
            missing = [topic for topic in wanted if topic.topic not in known]
            if missing:
                for made in admin.create_topics(missing).values():
                    made.result(_SECONDS_TO_CONNECT)
            self._connect()
            return self._state()
        except KafkaException as error:
            raise DestinationFailedError(
                f"{self.label}: {_reason(error)}; check the address, that the broker runs, and the "
                "user's rights"
            ) from error

    def _topic(self, name: str) -> str:
        return f"{self._prefix}.{name}"

    def _connect(self) -> None:
        """Make a producer, which fences those of the same name and aborts what they began."""
        settings = {**_SETTINGS, "transactional.id": f"streaming-ads {self._prefix}"}
        self._producer = Producer({**settings, **self._common}, logger=_log)
        self._producer.init_transactions(_SECONDS_TO_CONNECT)

    def _state(self) -> LiveState | None:
        consumer = Consumer(
            {
                **self._common,
                "group.id": f"streaming-ads {self._prefix}",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            },
            logger=_log,
        )
        try:
            place = TopicPartition(self._topic("live"), 0)
            low, high = consumer.get_watermark_offsets(place, timeout=_SECONDS_TO_CONNECT)
            for first in dict.fromkeys((max(low, high - _LAST_RECORDS), low)):
                consumer.assign([TopicPartition(place.topic, 0, first)])
                records = list(_records(consumer)) if high > low else []
                if records:
                    return LiveState.model_validate_json(records[-1].decode().replace('Z"', '"'))
            return None
        finally:
            consumer.close()

    def land(self, pieces: Iterable[Piece], state: LiveState) -> None:
        """Send what comes before the first slice or after the last one."""
        self._in_transaction(
            ((table, pa.Table.from_batches([batch])) for table, batch in pieces), state
        )

    def send(self, piece: Slice, row: LiveSlice, state: LiveState) -> None:  # noqa: ARG002
        """Send a slice."""
        self._in_transaction(((part.table, part.rows) for part in piece.rows), state)

    def _in_transaction(
        self, parts: Iterable[tuple[type[RawTable], pa.Table]], state: LiveState
    ) -> None:
        with self._failures():
            if self._producer is None:
                self._connect()
                if self._holds(state):
                    return
            self._producer.begin_transaction()
            for table, rows in parts:
                for first in range(0, rows.num_rows, _ROWS_AT_ONCE):
                    self._produce(table, rows.slice(first, _ROWS_AT_ONCE))
            self._flush()
            (line,) = json_lines(to_arrow(LiveState, [state])).to_pylist()
            self._producer.produce(self._topic("live"), value=line, key=_STATE)
            self._patiently(lambda: self._producer.commit_transaction(_SECONDS_AT_ONCE))

    def _holds(self, state: LiveState) -> bool:
        """Say whether a transaction was committed, of which the answer was lost."""
        held = self._state()
        return held is not None and held.is_as_far_as(state)

    def _produce(self, table: type[RawTable], rows: pa.Table) -> None:
        """Hand rows to the producer, and wait where its queue has no room."""
        topic, produce = self._topic(table.table_name), self._producer.produce
        lines = json_lines(rows).to_pylist()
        for line, key, headers in zip(lines, _keys(rows), _headers(table, rows), strict=True):
            while True:
                try:
                    produce(topic, line, key, headers=headers)
                    break
                except BufferError:
                    self._producer.poll(_SECONDS_AT_ONCE)
        self._producer.poll(0)

    def _flush(self) -> None:
        """Wait until all rows have arrived."""
        while self._producer.flush(_SECONDS_AT_ONCE):
            pass

    def _patiently(self, attempt: Callable[[], Any]) -> None:
        """Attempt something that may take long in short turns, so that signals are heard."""
        while True:
            try:
                attempt()
                return
            except KafkaException as error:
                if not error.args[0].retriable():
                    raise

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn what librdkafka says into a sentence, and undo the transaction."""
        try:
            yield
        except KafkaException as error:
            why = error.args[0]
            if why.code() in (KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH):
                raise DestinationError(
                    f"{self.label}: another live run has taken over; wait for its end, or choose "
                    "another --to"
                ) from error
            self._undo(is_lost=why.fatal())
            raise TargetAwayError(f"{self.label}: {_reason(error)}") from error
        except BaseException:
            self._undo(is_lost=False)
            raise

    def _undo(self, is_lost: bool) -> None:
        """Abort the transaction; a producer that cannot do so is replaced by the next one."""
        producer, self._producer = self._producer, None
        if producer is not None and not is_lost:
            with suppress(KafkaException):
                producer.purge()
                producer.abort_transaction(_SECONDS_AT_ONCE)
                self._producer = producer

    def close(self) -> None:
        """Leave the topics."""
        self._producer = None


def _records(consumer: Any) -> Iterator[bytes]:
    """Yield the values of the records up to the end of a partition."""
    while True:
        message = consumer.poll(_SECONDS_TO_CONNECT)
        if message is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "does not send its records"))
        if message.error():
            if message.error().code() == KafkaError._PARTITION_EOF:
                return
            raise KafkaException(message.error())
        yield message.value()


def _keys(rows: pa.Table) -> list[str | None]:
    name = next((name for name in _KEYS if name in rows.column_names), None)
    if name is None:
        return [None] * rows.num_rows
    return pc.cast(rows.column(name), pa.string()).to_pylist()


def _headers(table: type[RawTable], rows: pa.Table) -> list[list[tuple[str, bytes]]]:
    """Return the headers of each row. The type of an event of an ad is its name."""
    version = ("schema_version", str(SCHEMA_VERSION).encode())
    if "event_name" not in rows.column_names:
        return [[version, ("event_type", table.table_name.encode())]] * rows.num_rows
    names = rows.column("event_name").combine_chunks()
    known = [[version, ("event_type", name.encode())] for name in names.dictionary.to_pylist()]
    return [known[code] for code in names.indices.to_pylist()]


def _reason(error: Any) -> str:
    return str(error.args[0].str())
