"""A dashboard on the marts: delivery, pacing and creatives, in Streamlit.

    streamlit run dashboards/streamlit/app.py -- data/ads.duckdb

It opens the file read-only for each query, so `dbt build` can write between two clicks.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import pandas as pd
import streamlit as st

DATABASE = Path(sys.argv[1] if len(sys.argv) > 1 else "data/ads.duckdb")

CAMPAIGNS = """
    select campaign_id, campaign_name, advertiser_name, currency_code
    from marts.dim_campaigns
    order by campaign_name
"""
DAYS = """
    select min(activity_date), max(activity_date) from marts.fct_campaign_performance_daily
"""
DAILY = """
    select activity_date, device, sum(impressions) as impressions, sum(clicks) as clicks,
        sum(video_starts) as video_starts, sum(video_q100) as video_completes, sum(spend) as spend
    from marts.fct_device_performance_daily
    where campaign_id in (select unnest(?)) and activity_date between ? and ?
    group by activity_date, device
    order by activity_date, device
"""
PACING = """
    select campaign_name, currency_code, spend_to_date, budget_total, pacing_index, pacing_status
    from marts.fct_campaign_pacing_daily
    join marts.dim_campaigns using (campaign_id, currency_code)
    where campaign_id in (select unnest(?)) and activity_date between ? and ?
    qualify row_number() over (partition by campaign_id order by activity_date desc) = 1
    order by pacing_index
"""
CREATIVES = """
    select creative_name, facts.placement, sum(impressions) as impressions,
        sum(video_q100) / nullif(sum(video_starts), 0) as completion_rate,
        sum(clicks) / nullif(sum(impressions), 0) as click_through_rate
    from marts.fct_creative_performance_daily as facts
    join marts.dim_creatives using (creative_id)
    where facts.campaign_id in (select unnest(?))
        and activity_date between ? and ?
    group by creative_id, creative_name, facts.placement
    order by impressions desc
"""


def rows(query: str, *values: object) -> pd.DataFrame:
    """Return the rows of a query."""
    with duckdb.connect(str(DATABASE), read_only=True) as connection:
        return connection.execute(query, list(values)).df()


def main() -> None:
    """Draw the page."""
    st.set_page_config("Streaming ads", layout="wide")
    st.title("Delivery")
    try:
        campaigns = rows(CAMPAIGNS)
        first, last = rows(DAYS).iloc[0]
    except duckdb.Error as error:
        st.error(f"{DATABASE} cannot be read: {str(error).splitlines()[0]}")
        st.info("Make it with `make build`, or close the program that has it open for writing.")
        st.stop()

    advertisers = sorted(campaigns.advertiser_name.unique())
    advertiser = st.sidebar.selectbox("Advertiser", ["All", *advertisers])
    if advertiser != "All":
        campaigns = campaigns[campaigns.advertiser_name == advertiser]
    chosen = st.sidebar.multiselect("Campaigns", campaigns.campaign_name.tolist())
    if chosen:
        campaigns = campaigns[campaigns.campaign_name.isin(chosen)]
    days = st.sidebar.date_input("Days", (first.date(), last.date()))
    if len(days) < 2:
        st.stop()
    selection = (campaigns.campaign_id.tolist(), *days)

    daily = rows(DAILY, *selection)
    if daily.empty:
        st.info("Nothing was delivered in this selection.")
        st.stop()
    total = daily.sum(numeric_only=True)
    impressions, clicks, completion, price = st.columns(4)
    impressions.metric("Impressions", f"{total.impressions:,.0f}")
    clicks.metric("Click-through rate", f"{total.clicks / total.impressions:.3%}")
    if total.video_starts:
        completion.metric("Completion rate", f"{total.video_completes / total.video_starts:.1%}")
    currencies = campaigns.currency_code.unique()
    if len(currencies) == 1:
        cpm = 1000 * total.spend / total.impressions
        price.metric("Price per 1,000 impressions", f"{cpm:,.2f} {currencies[0]}")

    st.subheader("Impressions per day, by device")
    st.bar_chart(daily, x="activity_date", y="impressions", color="device")
    st.subheader("Pacing, furthest behind first")
    st.dataframe(rows(PACING, *selection), hide_index=True)
    st.subheader("Creatives, largest first")
    percent = st.column_config.NumberColumn(format="percent")
    rates = {"completion_rate": percent, "click_through_rate": percent}
    st.dataframe(rows(CREATIVES, *selection), hide_index=True, column_config=rates)


main()
