"""From scenarios to entities: ids, names, dates and money in micros.

Ids are positions: campaign n of a dataset has id n, and its members count from there (line item =
campaign x 100 + position, creative = line item x 100 + position). So no id depends on other
campaigns.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from generator import __version__
from generator.enums import BuyType, Currency, Device, DspPartner, Industry, QaStatus, Status
from generator.platform.model import PlatformModel
from generator.randomness import uniform
from generator.scenario.errors import bad_input
from generator.scenario.models import (
    AdvertiserPlan,
    CampaignPlan,
    ConversionsPlan,
    CreativePlan,
    FlightPlan,
    LineItemPlan,
    Scenario,
)
from generator.scenario.money import micros
from generator.scenario.templates import Dataset
from generator.schema import (
    Advertiser,
    Budget,
    Campaign,
    Creative,
    Flight,
    FrequencyCap,
    LineItem,
    Platform,
    Run,
)
from generator.schema.booking import (
    BookedExperiment,
    BookedLineItem,
    Booking,
    ConversionCount,
    ConversionGoal,
)
from generator.world import creative_files, names
from generator.world.changes import planned_changes
from generator.world.names import Pools
from generator.world.naming import Namer, style_of
from generator.world.office_hours import DAYS_BOOKED_AHEAD, LEAST_DAYS_AHEAD, office_moment
from generator.world.world import World, identity_of, outline_of

_MEMBERS_OF_A_PARENT = 100
_LONGEST_HOST = 63
# Assumptions about buyers: days from an advertiser's first day as a customer to its first order,
# which are many so that earlier campaigns can be added; and the share of advertisers that buy
# through an agency.
_CUSTOMER_BEFORE = (400, 1100)
_AGENCY_SHARE = 0.7
_DSPS = (DspPartner.DV360, DspPartner.THE_TRADE_DESK, DspPartner.AMAZON, DspPartner.YAHOO)


def build_world(dataset: Dataset) -> World:
    """Return the world of a dataset: one campaign per scenario, in order.

    Scenarios that name the same advertiser share it. Campaigns that are booked on the as-of day or
    later are left out. Raises InputError where two advertisers have the same address, and where two
    scenarios disagree about their advertiser.

    >>> from generator.scenario.templates import dataset
    >>> world = build_world(dataset("complete"))
    >>> len(world.bookings), len(world.advertisers)
    (7, 7)
    >>> [item.line_item.line_item_id for item in world.bookings[3].line_items]
    [401]
    """
    run = run_of(dataset)
    pools = names.pools(dataset.seed)
    plans: dict[int, AdvertiserPlan] = {}
    ids_by_name: dict[str, int] = {}
    every = []
    for campaign_id, scenario in enumerate(dataset.scenarios, start=1):
        name = scenario.advertiser.name
        advertiser_id = ids_by_name.get(name or "", len(plans) + 1)
        if advertiser_id not in plans:
            plans[advertiser_id] = scenario.advertiser
            if name:
                ids_by_name[name] = advertiser_id
        else:
            plans[advertiser_id] = _plan_of_both(plans[advertiser_id], scenario)
        every.append(book(scenario, campaign_id, advertiser_id, run, pools))
    every = [
        replace(
            booking,
            industry=_industry(
                plans[booking.campaign.advertiser_id], booking.campaign.advertiser_id, run.seed
            ),
        )
        for booking in every
    ]
    kept = [position for position, booking in enumerate(every) if is_booked(booking.campaign, run)]
    outline = outline_of(every, dataset.platforms)
    advertisers = tuple(
        sign(plan, advertiser_id, _first_order(every, advertiser_id), run, pools)
        for advertiser_id, plan in plans.items()
    )
    refuse_shared_addresses(advertisers)
    return World(
        identity=identity_of(dataset),
        run=run,
        platform_models=dataset.platforms,
        platforms=tuple(platform_row(model) for model in dataset.platforms.values()),
        advertisers=tuple(
            advertiser
            for advertiser in advertisers
            if advertiser.created_at.date() < run.as_of_date
        ),
        bookings=tuple(every[position] for position in kept),
        outline=outline.only(kept),
        faults=dataset.faults,
        log=dataset.log,
        booked_later=len(every) - len(kept),
    )


def _plan_of_both(plan: AdvertiserPlan, scenario: Scenario) -> AdvertiserPlan:
    """Return the plan of an advertiser with the details that another of its scenarios gives.

    Raises InputError where the two scenarios disagree.
    """
    more = scenario.advertiser
    for field in more.model_fields_set & plan.model_fields_set:
        here = getattr(more, field)
        there = getattr(plan, field)
        if None not in (here, there) and here != there:
            raise bad_input(
                f"its advertiser {plan.name!r} has the {field} {here!r}, and {there!r} in another "
                "scenario; write the same in both, or leave it out of one",
                scenario.name,
            )
    given = {field: getattr(more, field) for field in more.model_fields_set}
    return plan.model_copy(update={field: value for field, value in given.items() if value})


def notices_of(world: World) -> tuple[str, ...]:
    """Return the notices of a world: how many campaigns are not booked yet, and that no flight has
    begun."""
    as_of = world.run.as_of_date
    later = ""
    if world.booked_later:
        every = world.booked_later + len(world.bookings)
        later = f"{world.booked_later:,} of {every:,} campaigns are not booked yet by {as_of}"
    flights = (flight for booking in world.bookings for flight in booking.flights)
    has_campaigns = bool(world.bookings or world.booked_later)
    if has_campaigns and all(flight.start_date >= as_of for flight in flights):
        also = f", and {later}" if later else ""
        return (
            f"no flight begins before {as_of}, the day that the data is seen on, so no delivery is "
            f"reported{also}; a later as-of day shows it",
        )
    return (f"{later}, and are not in the data; a later as-of day shows them",) if later else ()


def run_of(dataset: Dataset) -> Run:
    """Return the row of `raw.runs` of a dataset."""
    return Run(
        run_id=1,
        workflow=dataset.name,
        seed=dataset.seed,
        as_of_date=dataset.as_of,
        generator_version=__version__,
        market_campaigns=dataset.market.campaigns if dataset.market else None,
        life=dataset.life.model_dump_json(exclude_unset=True),
        overrides=dataset.overrides,
        log_share=dataset.log.households or None,
        log_missing_ids=dataset.log.missing_ids if dataset.log else None,
    )


def book(
    scenario: Scenario,
    campaign_id: int,
    advertiser_id: int,
    run: Run,
    pools: Pools,
    booked: Callable[[date], datetime] | None = None,
) -> Booking:
    """Return one scenario as one campaign with everything that belongs to it.

    `booked` returns when a campaign with a first day is booked, without it `booking_moment` says
    so. What the scenario leaves without a name is named in the style of the advertiser's agency.
    Campaign 7 has budget 7, flights and line items 701, 702, …, and line item 701 has the creatives
    70101, 70102, ….
    """
    flights = _flights(scenario.campaign.flights, campaign_id, run.seed)
    first_day = flights[0].start_date
    zone = scenario.advertiser.time_zone
    created = (
        booked(first_day) if booked else booking_moment(first_day, zone, run.seed, campaign_id)
    )
    namer = _namer(scenario, campaign_id, advertiser_id, first_day, run.seed, pools)
    campaign = _campaign(scenario, advertiser_id, flights, run, created, namer)
    items = tuple(
        _line_item(item, scenario, campaign, _member(campaign_id, position), run.seed, namer)
        for position, item in enumerate(scenario.line_items, start=1)
    )
    budget = _budget(scenario.campaign, campaign_id)
    caps = _frequency_caps(scenario.campaign, campaign_id)
    industry = _industry(scenario.advertiser, advertiser_id, run.seed)
    counted = _counted(scenario.campaign.conversions)
    plan = scenario.campaign.experiment
    experiment = BookedExperiment(**plan.model_dump()) if plan else None
    booking = Booking(
        campaign, industry, flights, budget, caps, items, counted=counted, experiment=experiment
    )
    return planned_changes(booking, scenario.campaign.changes)


def _campaign(
    scenario: Scenario,
    advertiser_id: int,
    flights: tuple[Flight, ...],
    run: Run,
    created: datetime,
    namer: Namer,
) -> Campaign:
    plan = scenario.campaign
    first_day = flights[0].start_date
    last_day = flights[-1].end_date
    campaign_id = namer.campaign_id
    return Campaign(
        campaign_id=campaign_id,
        advertiser_id=advertiser_id,
        name=plan.name or namer.campaign(_devices_of(scenario)),
        platform=plan.platform,
        scenario=scenario.name,
        objective=plan.objective,
        status=_status(first_day, last_day, run.as_of_date),
        buy_type=plan.buy_type,
        dsp_partner=_dsp(plan, campaign_id, run.seed),
        target_cpm_micros=micros(plan.target_cpm),
        currency_code=plan.currency,
        content_tier=plan.content_tier,
        brand_lift_enabled=plan.brand_lift_enabled,
        attention_metrics_enabled=plan.attention_metrics_enabled,
        clean_room_provider=plan.clean_room_provider,
        measurement_partner=plan.measurement_partner,
        external_ref=plan.external_ref,
        max_share_of_voice=plan.max_share_of_voice,
        created_at=created,
        updated_at=_last_change(created, first_day, last_day, run.as_of_date),
    )


def _budget(plan: CampaignPlan, campaign_id: int) -> Budget:
    return Budget(
        budget_id=campaign_id,
        campaign_id=campaign_id,
        amount_micros=micros(plan.budget.amount),
        budget_type=plan.budget.type,
        currency_code=plan.currency,
    )


def _frequency_caps(plan: CampaignPlan, campaign_id: int) -> tuple[FrequencyCap, ...]:
    return tuple(
        FrequencyCap(
            frequency_cap_id=_member(campaign_id, position),
            campaign_id=campaign_id,
            max_impressions=cap.max_impressions,
            time_unit=cap.time_unit,
            time_units=cap.time_units,
            scope=cap.scope,
        )
        for position, cap in enumerate(plan.frequency_caps, start=1)
    )


def _counted(plan: ConversionsPlan | None) -> ConversionCount | None:
    if plan is None:
        return None
    return ConversionCount(
        goals=tuple(
            ConversionGoal(name, goal.monthly_rate, goal.click_rate, goal.value, goal.lift)
            for name, goal in plan.types.items()
        ),
        click_window_days=plan.click_window_days,
        view_window_days=plan.view_window_days,
    )


def booking_moment(first_day: date, zone: str, seed: int, campaign_id: int) -> datetime:
    """Return when a campaign with this first day is booked: in office hours of a time zone."""
    ahead = DAYS_BOOKED_AHEAD - LEAST_DAYS_AHEAD + 1
    days = LEAST_DAYS_AHEAD + int(uniform(seed, "booked", campaign_id) * ahead)
    return office_moment(
        first_day - timedelta(days=days), zone, uniform(seed, "booked minute", campaign_id)
    )


def booked_by_hand(
    first_day: date, zone: str, since: datetime, run: Run, campaign_id: int
) -> datetime:
    """Return when a campaign with this first day is booked that is added to a run: before the
    run's as-of day, and not before `since`."""
    # A day earlier than a campaign needs, since an evening in the west is the next day in UTC.
    latest = run.as_of_date + timedelta(days=LEAST_DAYS_AHEAD - 2)
    return max(booking_moment(min(first_day, latest), zone, run.seed, campaign_id), since)


def is_booked(campaign: Campaign, run: Run) -> bool:
    """Return whether a campaign is booked before the run's as-of day."""
    return campaign.created_at < datetime.combine(run.as_of_date, time(0))


def refuse_shared_addresses(advertisers: Iterable[Advertiser]) -> None:
    """Raise InputError where two advertisers have the same address."""
    by_address: dict[str, Advertiser] = {}
    for advertiser in advertisers:
        other = by_address.setdefault(advertiser.contact_email, advertiser)
        if other.advertiser_id != advertiser.advertiser_id:
            raise bad_input(
                f"advertisers {other.name!r} and {advertiser.name!r} have the same contact_email "
                f"{advertiser.contact_email}; give each its own"
            )


def _member(parent_id: int, position: int) -> int:
    return parent_id * _MEMBERS_OF_A_PARENT + position


def platform_row(platform_model: PlatformModel) -> Platform:
    """Return the row of `raw.platforms` that a platform file makes."""
    return Platform(
        platform=platform_model.name,
        name=platform_model.title,
        households=sum(country.households for country in platform_model.countries.values()),
        ad_minutes_per_hour=platform_model.supply.ad_minutes_per_hour,
        hours_per_household_day=platform_model.supply.hours_per_household_day,
        min_response_ratio=platform_model.funnel_floor.response,
        min_eligible_ratio=platform_model.funnel_floor.eligible,
        min_win_ratio=platform_model.funnel_floor.win,
        min_render_ratio=platform_model.funnel_floor.render,
        is_skippable_allowed=platform_model.is_skippable_allowed,
    )


@dataclass(frozen=True)
class FirstOrder:
    """An advertiser's first order: when it was placed, and the currency that it is paid in."""

    at: datetime
    currency: Currency


def first_order_of(campaigns: Iterable[Campaign]) -> FirstOrder:
    """Return the campaign that was booked first, as its advertiser's first order."""
    first = min(campaigns, key=lambda campaign: campaign.created_at)
    return FirstOrder(first.created_at, first.currency_code)


def _first_order(bookings: Iterable[Booking], advertiser_id: int) -> FirstOrder:
    campaigns = (booking.campaign for booking in bookings)
    return first_order_of(
        campaign for campaign in campaigns if campaign.advertiser_id == advertiser_id
    )


def sign(
    plan: AdvertiserPlan, advertiser_id: int, first: FirstOrder, run: Run, pools: Pools
) -> Advertiser:
    """Return an advertiser. What its plan leaves out is drawn from the seed and its id, and its
    names from `pools`."""
    seed = run.seed
    industry = _industry(plan, advertiser_id, seed)
    brand = _brand(plan, advertiser_id, pools)
    least, most = _CUSTOMER_BEFORE
    days = least + int(uniform(seed, "signed", advertiser_id) * (most - least + 1))
    created = office_moment(
        first.at.date() - timedelta(days=days),
        plan.time_zone,
        uniform(seed, "signed minute", advertiser_id),
    )
    host = _host(brand)
    return Advertiser(
        advertiser_id=advertiser_id,
        name=plan.name or names.company(brand, industry, seed, "company", advertiser_id),
        brand=brand,
        industry=industry,
        contact_email=plan.contact_email or f"ads.{advertiser_id}@{host}.example",
        agency_name=_agency(plan, advertiser_id, seed, pools),
        currency_code=first.currency,
        time_zone=plan.time_zone,
        status=Status.ACTIVE,
        created_at=created,
        updated_at=first.at if first.at.date() < run.as_of_date else created,
    )


def _industry(plan: AdvertiserPlan, advertiser_id: int, seed: int) -> Industry:
    return plan.industry or names.pick(tuple(Industry), seed, "industry", advertiser_id)


def _brand(plan: AdvertiserPlan, advertiser_id: int, pools: Pools) -> str:
    return plan.brand or plan.name or pools.brand(advertiser_id)


def _namer(
    scenario: Scenario,
    campaign_id: int,
    advertiser_id: int,
    first_day: date,
    seed: int,
    pools: Pools,
) -> Namer:
    """Return who names what the scenario leaves without a name."""
    plan = scenario.advertiser
    brand = _brand(plan, advertiser_id, pools)
    countries = {
        country for item in scenario.line_items for country in item.targeting.GEO_COUNTRY or ()
    }
    return Namer(
        seed=seed,
        campaign_id=campaign_id,
        style=style_of(seed, _agency(plan, advertiser_id, seed, pools) or brand),
        brand=brand,
        industry=_industry(plan, advertiser_id, seed),
        objective=scenario.campaign.objective,
        country=countries.pop() if len(countries) == 1 else None,
        start=first_day,
    )


def _devices_of(scenario: Scenario) -> list[str]:
    """Return the devices of a campaign's line items together; none for all."""
    named = [item.targeting.DEVICE for item in scenario.line_items]
    if None in named:
        return []
    return [str(device) for device in Device if any(device in (of or ()) for of in named)]


def _agency(plan: AdvertiserPlan, advertiser_id: int, seed: int, pools: Pools) -> str | None:
    """Return the plan's agency, or an invented one where the plan names no advertiser."""
    if plan.agency_name or plan.name:
        return plan.agency_name
    if uniform(seed, "has agency", advertiser_id) >= _AGENCY_SHARE:
        return None
    return names.pick(pools.agencies, seed, "agency", advertiser_id)


def _host(brand: str) -> str:
    """Return a host name made of the letters and digits of a brand."""
    host = "".join(letter for letter in brand.lower() if letter.isascii() and letter.isalnum())
    return host[:_LONGEST_HOST] or "brand"


def _line_item(
    plan: LineItemPlan,
    scenario: Scenario,
    campaign: Campaign,
    line_item_id: int,
    seed: int,
    namer: Namer,
) -> BookedLineItem:
    seconds = plan.creatives[0].duration_seconds
    targeting = plan.targeting.lists()
    line_item = LineItem(
        line_item_id=line_item_id,
        campaign_id=campaign.campaign_id,
        name=plan.name or namer.line_item(line_item_id, plan.ad_format, targeting, seconds),
        status=campaign.status,
        ad_format=plan.ad_format,
        bid_cpm_micros=micros(plan.bid_cpm) if plan.bid_cpm else campaign.target_cpm_micros,
        budget_share=plan.budget_share or 1 / len(scenario.line_items),
        pacing=plan.pacing,
        pacing_pct=plan.pacing_pct,
        ad_server_type=plan.ad_server_type,
        verification_vendor=plan.verification_vendor,
        geo_tier=plan.geo_tier,
        targeting=json.dumps(targeting),
    )
    creatives = tuple(
        _creative(creative, plan, line_item_id, _member(line_item_id, position), seed, namer)
        for position, creative in enumerate(plan.creatives, start=1)
    )
    return BookedLineItem(line_item, creatives)


def _creative(
    plan: CreativePlan,
    item: LineItemPlan,
    line_item_id: int,
    creative_id: int,
    seed: int,
    namer: Namer,
) -> Creative:
    first_day, last_day = item.rotation_of(plan)
    file = (
        creative_files.still_image(seed, creative_id)
        if plan.duration_seconds is None
        else creative_files.video_file(seed, creative_id, plan.duration_seconds, namer.country)
    )
    overlay = {"type": "OVERLAY", "cta": plan.overlay_cta_text or "Learn more"}
    return Creative(
        creative_id=creative_id,
        line_item_id=line_item_id,
        name=plan.name or namer.creative(creative_id, plan.duration_seconds),
        rotation_weight=plan.rotation_weight,
        rotation_start_date=first_day,
        rotation_end_date=last_day,
        placement=plan.placement,
        qa_status=QaStatus.APPROVED,
        is_skippable=plan.is_skippable,
        is_interactive=plan.is_interactive,
        interactive_meta=json.dumps(overlay) if plan.is_interactive else None,
        qr_code_url=f"https://qr.ads.example/{creative_id}" if plan.has_qr_code else None,
        overlay_cta_text=plan.overlay_cta_text,
        **file,
    )


def _flights(plans: list[FlightPlan], campaign_id: int, seed: int) -> tuple[Flight, ...]:
    days = sorted(_flight_days(plan, campaign_id, seed) for plan in plans)
    return tuple(
        Flight(
            flight_id=_member(campaign_id, position),
            campaign_id=campaign_id,
            start_date=start,
            end_date=end,
        )
        for position, (start, end) in enumerate(days, start=1)
    )


def _flight_days(plan: FlightPlan, campaign_id: int, seed: int) -> tuple[date, date]:
    if plan.start_date is not None and plan.end_date is not None:
        return plan.start_date, plan.end_date
    assert plan.start_between is not None
    assert plan.weeks is not None
    earliest, latest = plan.start_between
    choice = uniform(seed, "flight start", campaign_id)
    start = earliest + timedelta(days=int(choice * ((latest - earliest).days + 1)))
    return start, start + timedelta(weeks=plan.weeks, days=-1)


def _status(first_day: date, last_day: date, as_of: date) -> Status:
    if last_day < as_of:
        return Status.COMPLETED
    return Status.ACTIVE if first_day <= as_of else Status.DRAFT


def _dsp(plan: CampaignPlan, campaign_id: int, seed: int) -> DspPartner | None:
    if plan.buy_type is BuyType.DIRECT_IO or plan.dsp_partner is not None:
        return plan.dsp_partner
    return names.pick(_DSPS, seed, "dsp", campaign_id)


def _last_change(created: datetime, first_day: date, last_day: date, as_of: date) -> datetime:
    """Return the last of the moments at which a campaign is booked, begins and has ended, as far
    as the run has seen them."""
    changes = [day for day in (first_day, last_day + timedelta(days=1)) if day <= as_of]
    return max([created, *(datetime.combine(day, time(0)) for day in changes)])
