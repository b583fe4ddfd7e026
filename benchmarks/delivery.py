"""How fast the delivery kernel is: rows and cells per CPU-second, fingerprints included.

`python -m benchmarks.delivery [CAMPAIGNS] [RUNS]` delivers a market of that many made-up campaigns
and the workflow `complete`, in turn and ROUNDS times, and prints the fastest and the median run.
One process is at work and nothing is landed, so CPU time is what counts.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from generator.clock import day_number, hours_of
from generator.delivery.campaign import deliver
from generator.delivery.noise import effects
from generator.delivery.supply import country_supply
from generator.enums import Device
from generator.randomness import uniform
from generator.scenario.models import Scenario
from generator.scenario.templates import Dataset, dataset, platform
from generator.sinks.fingerprint import Fingerprint
from generator.world.build import World, build_world

SEED = 2025
FIRST_DAY, DAYS = date(2025, 1, 1), 365
CAMPAIGNS_A_BLOCK = 14
# Impressions a row, log-normal over campaigns: what those of a large market have.
MEDIAN_A_ROW, LOG_SD = 400.0, 1.4
CPM = 25.0
PLATFORMS = ("netflix_like", "netflix_like", "netflix_like", "fast_channel", "live_sports")
DEVICES = (["CTV"], ["CTV", "MOBILE"], ["MOBILE", "TABLET", "DESKTOP"], list(Device))
TABLES = ("performance", "reach", "audience")


def made_up(number: int) -> Scenario:
    """One campaign of the market: 1 to 3 line items of 1 to 3 creatives, 1 to 13 weeks."""

    def pick(purpose: str, values: Any) -> Any:
        return values[int(uniform(SEED, purpose, number) * len(values))]

    weeks = pick("weeks", range(1, 14))
    name = pick("platform", PLATFORMS)
    buy_type = pick("buy type", ("PROGRAMMATIC_GUARANTEED", "DIRECT_IO", "PRIVATE_AUCTION"))
    abroad = pick("country", [*platform(name).countries, *["US"] * 20])
    country = "US" if buy_type == "PRIVATE_AUCTION" else abroad
    start = FIRST_DAY + timedelta(days=pick("start", range(DAYS - 7 * weeks)))
    items, rows = [], 0
    for item in range(pick("items", (1, 1, 2, 3))):
        devices, creatives = pick(f"devices {item}", DEVICES), pick(f"creatives {item}", (1, 2, 3))
        rows += weeks * 168 * len(devices) * creatives
        targeting = {"GEO_COUNTRY": [country], "DEVICE": devices}
        if pick(f"genre {item}", (True, False)):
            targeting["CONTENT_GENRE"] = ["DRAMA", "COMEDY", "SPORTS"]
        placement = pick(f"placement {item}", ("PRE_ROLL", "MID_ROLL", "MID_ROLL", "LIVE"))
        creative = {"placement": placement, "duration_seconds": pick("duration", (15, 30))}
        items.append(
            {
                "pacing": pick(f"pacing {item}", ("EVEN", "EVEN", "EVEN", "FRONTLOADED", "ASAP")),
                "targeting": targeting,
                "creatives": [creative] * creatives,
            }
        )
    impressions = rows * MEDIAN_A_ROW * 2.718 ** (LOG_SD * effects(SEED, [("size", number)])[0])
    cap = {"max_impressions": 3, "time_unit": "DAY"}
    return Scenario.model_validate(
        {
            "name": "made_up",
            "description": "one of many",
            "campaign": {
                "platform": name,
                "objective": "AWARENESS",
                "buy_type": buy_type,
                "target_cpm": CPM,
                "currency": "USD",
                "flights": [
                    {"start_date": start, "end_date": start + timedelta(days=7 * weeks - 1)}
                ],
                "budget": {"amount": round(impressions * CPM / 1000, 2)},
                "frequency_caps": pick("cap", ([], [], [cap])),
            },
            "line_items": items,
        }
    )


def a_market(campaigns: int) -> Dataset:
    """Return N made-up campaigns, over and as known on the first day of the next year."""
    scenarios = tuple(made_up(number) for number in range(campaigns))
    platforms = {name: platform(name) for name in PLATFORMS}
    return Dataset("market", SEED, FIRST_DAY + timedelta(days=DAYS), scenarios, platforms)


@dataclass(frozen=True)
class Work:
    """A world with open markets, ready to be delivered."""

    name: str
    world: World
    supplies: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, data: Dataset) -> Work:
        """Return the work of a dataset: every country of its platforms, over every day of its
        flights."""
        world = build_world(data)
        flights = [flight for booking in world.bookings for flight in booking.flights]
        hours = hours_of(
            day_number(min(flight.start_date for flight in flights)),
            day_number(max(flight.end_date for flight in flights)),
        )
        supplies = {
            name: {
                country: country_supply(model, country, hours, data.seed)
                for country in model.countries
            }
            for name, model in world.platform_models.items()
        }
        return cls(data.name, world, supplies)

    def batches(self) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Every batch of facts, with the name of its table."""
        world = self.world
        horizon = day_number(world.run.as_of_date)
        for first in range(0, len(world.bookings), CAMPAIGNS_A_BLOCK):
            block = world.bookings[first : first + CAMPAIGNS_A_BLOCK]
            made = deliver(block, world.platform_models, self.supplies, world.run.seed, horizon)
            for table in TABLES:
                yield table, getattr(made, table)


@dataclass(frozen=True)
class Run:
    """One delivery of some work: CPU-seconds, and rows, cells and fingerprint by table."""

    seconds: float
    rows: dict[str, int]
    cells: int
    prints: dict[str, str]


def run(work: Work) -> Run:
    """Deliver the work once."""
    prints = {table: Fingerprint() for table in TABLES}
    cells = 0
    start = time.process_time()
    for table, batch in work.batches():
        prints[table].add(batch)
        cells += batch.num_rows * batch.num_columns
    return Run(
        seconds=time.process_time() - start,
        rows={table: tally.rows for table, tally in prints.items()},
        cells=cells,
        prints={table: tally.hexdigest for table, tally in prints.items()},
    )


def main(campaigns: int = 200, runs: int = 5) -> None:
    """Print what each work came to, and how fast."""
    works = [Work.of(a_market(campaigns)), Work.of(dataset("complete"))]
    made = {work.name: [run(work)] for work in works}
    for _ in range(runs - 1):
        for work in works:
            made[work.name].append(run(work))
    for name, runs in made.items():
        counted = ", ".join(f"{rows:,} of {table}" for table, rows in runs[0].rows.items())
        print(f"{name}: rows {counted}; {runs[0].cells:,} cells")
        print(f"  fingerprints {runs[0].prints}")
        times = [one.seconds for one in runs]
        for word, seconds in (("fastest", min(times)), ("median", statistics.median(times))):
            print(
                f"  {word} {seconds:.3f} CPU-s: {runs[0].cells / seconds / 1e6:.2f} M cells, "
                f"{runs[0].rows['performance'] / seconds / 1e3:,.0f} k rows of performance a CPU-s"
            )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
