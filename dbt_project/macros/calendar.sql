{#- Parts of a UTC date or timestamp, as the marts and the date dimension both name them. -#}
{% macro iso_day_of_week(moment) -%}
    {{ return(adapter.dispatch("iso_day_of_week")(moment)) }}
{%- endmacro %}

{% macro default__iso_day_of_week(moment) -%}
    cast(extract(isodow from {{ moment }}) as integer)
{%- endmacro %}

{% macro spark__iso_day_of_week(moment) -%}
    cast(extract(dayofweek_iso from {{ moment }}) as integer)
{%- endmacro %}

{% macro start_of(part, moment) -%}
    cast({{ dbt.date_trunc(part, moment) }} as date)
{%- endmacro %}

{% macro is_business_hour(moment) -%}
    (
        {{ iso_day_of_week(moment) }} between 1 and 5
        and extract(hour from {{ moment }}) between 9 and 16
    )
{%- endmacro %}

{#- The day that the clocks of an IANA time zone show at a UTC moment. The zone of the session plays no part. -#}
{% macro local_date(moment, time_zone) -%}
    cast({{ adapter.dispatch("local_time")(moment, time_zone) }} as date)
{%- endmacro %}

{% macro default__local_time(moment, time_zone) -%}
    timezone({{ time_zone }}, timezone('UTC', {{ moment }}))
{%- endmacro %}

{% macro spark__local_time(moment, time_zone) -%}
    convert_timezone('UTC', {{ time_zone }}, {{ moment }})
{%- endmacro %}
