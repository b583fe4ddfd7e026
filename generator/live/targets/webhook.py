"""A webhook: rows are posted as lines of JSON, up to a thousand of one table at once.

The headers `Event-Table` and `Schema-Version` say what they are. An answer of 200 to 299 is a
receipt. Without an answer, and after 408, 429 or 500 and above, the same rows are posted again,
later and later, so a receiver removes duplicates by `event_id`. Nothing is sent on to another
address that an answer names: on the way there a POST becomes a GET, and the rows are lost.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyarrow as pa

from generator.live.json_lines import document
from generator.live.targets.stateless import StatelessTarget
from generator.live.targets.target import TargetAwayError
from generator.schema.live import SCHEMA_VERSION
from generator.sinks.errors import DestinationError, DestinationFailedError
from generator.sinks.target import label

if TYPE_CHECKING:
    from pathlib import Path

    from generator.live.timeline import Slice
    from generator.schema import RawTable
    from generator.schema.live import LiveSlice, LiveState
    from generator.sinks.sink import Piece

_ROWS_AT_ONCE = 1_000
_SECONDS_TO_ANSWER = 10
_MAY_BE_OVER_SOON = (408, 429)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Makes errors of the answers that name another address."""

    def redirect_request(self, *_arguments: object) -> None:
        """Follow none."""


_OPENER = urllib.request.build_opener(_NoRedirects)


class WebhookTarget(StatelessTarget):
    """A webhook by its URL. What was received of a slice is not posted again."""

    def __init__(self, url: str, state_file: Path | None = None) -> None:
        super().__init__(state_file)
        self.label = label(url)
        if self.label != url:
            raise DestinationError(
                f"{self.label}: a user and a password in the address are not sent; use a URL with "
                "a token in its path"
            )
        self._url = url
        self._place: int | None = None
        self._received = 0

    def land(self, pieces: Iterable[Piece], state: LiveState) -> None:
        """Post what comes before the first slice or after the last one."""
        self._post_all(-1, ((table, pa.Table.from_batches([batch])) for table, batch in pieces))
        self.keep(state)

    def send(self, piece: Slice, row: LiveSlice, state: LiveState) -> None:  # noqa: ARG002
        """Post a slice."""
        self._post_all(piece.begin, ((part.table, part.rows) for part in piece.rows))
        self.keep(state)

    def _post_all(self, place: int, parts: Iterable[tuple[type[RawTable], pa.Table]]) -> None:
        """Post the rows of a place, but for those that were received in an earlier attempt."""
        if place != self._place:
            self._place, self._received = place, 0
        number = 0
        for table, rows in parts:
            for first in range(0, rows.num_rows, _ROWS_AT_ONCE):
                number += 1
                if number > self._received:
                    self._post(table, document(rows.slice(first, _ROWS_AT_ONCE)))
                    self._received = number

    def _post(self, table: type[RawTable], body: memoryview) -> None:
        request = urllib.request.Request(
            self._url,
            data=bytes(body),
            headers={
                "Content-Type": "application/x-ndjson",
                "Event-Table": table.table_name,
                "Schema-Version": str(SCHEMA_VERSION),
            },
        )
        try:
            with _OPENER.open(request, timeout=_SECONDS_TO_ANSWER):
                return
        except urllib.error.HTTPError as error:
            sentence = f"{self.label}: answers {error.code} {error.reason}"
            if error.code < 500 and error.code not in _MAY_BE_OVER_SOON:
                raise DestinationFailedError(
                    f"{sentence}; see to the receiver, or choose another --to"
                ) from error
            raise TargetAwayError(sentence) from error
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "reason", None) or error
            raise TargetAwayError(f"{self.label}: does not answer: {why}") from error
