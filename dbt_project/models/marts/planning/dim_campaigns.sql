with campaigns as (

    select * from {{ ref('stg_ads__campaigns') }}

),

advertisers as (

    select * from {{ ref('stg_ads__advertisers') }}

),

platforms as (

    select * from {{ ref('stg_ads__platforms') }}

),

flights as (

    select * from {{ ref('stg_ads__flights') }}

),

budgets as (

    select * from {{ ref('stg_ads__budgets') }}

),

frequency_caps as (

    select * from {{ ref('stg_ads__frequency_caps') }}

),

flight_lengths as (

    select
        *,
        {{ dbt.datediff('start_date', 'end_date', 'day') }}
        + 1 as flight_days
    from flights

),

flights_of_campaign as (

    select
        campaign_id,
        min(start_date) as first_flight_date,
        max(end_date) as last_flight_date,
        cast(count(*) as integer) as flights,
        cast(sum(flight_days) as integer) as flight_days
    from flight_lengths
    group by campaign_id

),

caps_in_words as (

    select
        frequency_cap_id,
        campaign_id,
        {{ dbt.concat([
            dbt.cast('max_impressions', dbt.type_string()), "' per '", 'scope', "' in '",
            dbt.cast('time_units', dbt.type_string()), "' '", 'time_unit',
        ]) }} as cap
    from frequency_caps

),

caps_of_campaign as (

    select
        campaign_id,
        {{ dbt.listagg('cap', "'; '", 'order by frequency_cap_id') }} as frequency_cap
    from caps_in_words
    group by campaign_id

),

final as (

    select
        -- identifiers
        campaigns.campaign_id,
        campaigns.advertiser_id,

        -- dimensions
        campaigns.campaign_name,
        advertisers.advertiser_name,
        campaigns.platform,
        platforms.platform_name,
        campaigns.scenario,
        campaigns.objective,
        campaigns.status,
        campaigns.buy_type,
        campaigns.dsp_partner,
        campaigns.content_tier,
        campaigns.is_brand_lift_enabled,
        campaigns.is_attention_measured,
        campaigns.clean_room_provider,
        campaigns.measurement_partner,
        flights_of_campaign.first_flight_date,
        flights_of_campaign.last_flight_date,
        caps_of_campaign.frequency_cap,
        campaigns.currency_code,
        budgets.budget_type,

        -- facts
        coalesce(flights_of_campaign.flights, 0) as flights,
        coalesce(flights_of_campaign.flight_days, 0) as flight_days,
        {{ micros_to_currency('budgets.amount_micros') }} as budget_amount,
        {{ micros_to_currency('campaigns.target_cpm_micros') }} as target_cpm,

        -- metadata
        campaigns.max_share_of_voice,
        campaigns.external_ref,
        campaigns.created_at,
        campaigns.updated_at

    from campaigns
    inner join advertisers
        on campaigns.advertiser_id = advertisers.advertiser_id
    inner join platforms
        on campaigns.platform = platforms.platform
    left join flights_of_campaign
        on campaigns.campaign_id = flights_of_campaign.campaign_id
    left join budgets
        on campaigns.campaign_id = budgets.campaign_id
    left join caps_of_campaign
        on campaigns.campaign_id = caps_of_campaign.campaign_id

)

select * from final
