with flights as (

    select * from {{ ref('stg_ads__flights') }}

)

select
    earlier.campaign_id,
    earlier.flight_id,
    later.flight_id as overlapping_flight_id
from flights as earlier
inner join flights as later
    on
        earlier.campaign_id = later.campaign_id
        and earlier.flight_id <> later.flight_id
        and earlier.start_date <= later.start_date
        and earlier.end_date >= later.start_date
