{#-
    Fails on every row in which numerator < minimum * denominator: exact, because nothing is divided.
    `minimum` is a number, or the column of stg_ads__platforms that holds the floor of the platform on
    which the row's campaign runs.
-#}
{% test min_ratio(model, numerator, denominator, minimum) %}

select model_row.*
from {{ model }} as model_row
{%- if minimum is number %}
where not coalesce({{ numerator }} >= {{ minimum }} * {{ denominator }}, false)
{%- else %}
left join {{ ref("stg_ads__campaigns") }} as campaigns
    on model_row.campaign_id = campaigns.campaign_id
left join {{ ref("stg_ads__platforms") }} as platforms
    on campaigns.platform = platforms.platform
where not coalesce({{ numerator }} >= platforms.{{ minimum }} * {{ denominator }}, false)
{%- endif %}

{% endtest %}
