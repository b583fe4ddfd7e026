with versions as (

    select * from {{ ref('campaigns_snapshot') }}

),

present as (

    select * from {{ ref('int_campaigns_as_of') }}

),

of_this_dataset as (

    select
        versions.*,
        coalesce(versions.dbt_valid_to > versions.dbt_valid_from, true) as has_held
    from versions
    inner join present
        on
            versions.dataset = present.dataset
            and versions.campaign_id = present.campaign_id

),

numbered as (

    select
        *,
        row_number() over (partition by campaign_id order by dbt_valid_from) as version_number
    from of_this_dataset
    where has_held

),

final as (

    select
        -- identifiers
        campaign_id,
        cast(version_number as integer) as version_number,
        advertiser_id,

        -- dimensions
        campaign_name,
        platform,
        objective,
        status,
        buy_type,
        currency_code,
        dbt_valid_to is null as is_present,

        -- metadata
        case
            when version_number = 1 then created_at
            else dbt_valid_from
        end as valid_from,
        dbt_valid_to as valid_to

    from numbered

)

select * from final
