"""The log of the rows that faults and incidents touched: rows of `fault_log`."""

from __future__ import annotations

import numpy as np

from generator.arrays import Int64s
from generator.clock import HOURS_A_DAY, date_of, datetime_of
from generator.enums import FaultType
from generator.schema import FaultLog, PerformanceHourly, RawTable


class Log:
    """The rows and hours that were touched, by fault, campaign and day."""

    def __init__(self) -> None:
        self._faults: dict[str, tuple[FaultType, str, str]] = {}
        self._touched: dict[tuple[str, int, int], tuple[int, int, int]] = {}

    def add(
        self,
        fault_type: FaultType,
        name: str,
        keys: str,
        campaigns: Int64s,
        hours: Int64s,
        table: type[RawTable] = PerformanceHourly,
    ) -> None:
        """Add rows of a table that a fault touches, by their campaigns and hours: (rows,) each.
        `keys` is what it was aimed at, as JSON."""
        self._faults[name] = fault_type, keys, table.table_name
        if not hours.size:
            return
        order = np.lexsort((hours, campaigns))
        campaigns, hours = campaigns[order], hours[order]
        days = hours // HOURS_A_DAY
        begins = np.append(True, (campaigns[1:] != campaigns[:-1]) | (days[1:] != days[:-1]))
        start = np.flatnonzero(begins)
        end = np.append(start[1:], hours.size)
        columns = (campaigns[start], days[start], end - start, hours[start], hours[end - 1])
        for campaign, day, count, earliest, latest in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            known = self._touched.get((name, campaign, day), (0, earliest, latest))
            self._touched[name, campaign, day] = (
                known[0] + count,
                min(known[1], earliest),
                max(known[2], latest),
            )

    def rows(self) -> list[FaultLog]:
        """Return the rows of the log, by fault, campaign and day."""
        return [
            FaultLog(
                fault=name,
                fault_type=self._faults[name][0],
                affected_table=self._faults[name][2],
                campaign_id=campaign,
                activity_date=date_of(day),
                keys=self._faults[name][1],
                from_ts=datetime_of(first),
                to_ts=datetime_of(last + 1),
                rows_touched=number,
            )
            for (name, campaign, day), (number, first, last) in sorted(self._touched.items())
        ]
