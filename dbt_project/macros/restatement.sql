{#-
    Which days of a delivery mart have to be built again. `int_source_days` has a digest of every day of
    raw, and every row of an incremental mart carries the digest of what it was built from: the day of
    the relation it reads, and the SQL that read it. A day whose digest differs, however old, is deleted
    and inserted; a day that is no longer there is deleted. So the state stands in the mart itself: a run
    that was interrupted, raw data of another seed or a changed model cannot leave a stale day behind.
-#}
{% macro stale_days(upstream) -%}
    select day_now.activity_date
    from (
        select
            activity_date,
            {{ digest_of_build("min(source_digest)") }} as source_digest
        from {{ upstream }}
        group by activity_date
    ) as day_now
    left join (
        select
            activity_date,
            min(source_digest) as first_digest,
            max(source_digest) as last_digest
        from {{ this }}
        group by activity_date
    ) as day_built
        on day_now.activity_date = day_built.activity_date
    where not coalesce(
        day_built.first_digest = day_now.source_digest
        and day_built.last_digest = day_now.source_digest,
        false
    )
{%- endmacro %}

{% macro digest_of_build(source_digest) -%}
    {%- set code = local_md5(model.raw_code ~ metric_formulas()) -%}
    {{ source_digest }} || '-{{ code[:8] }}'
{%- endmacro %}

{% macro forget_days_that_left(upstream) -%}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where activity_date not in (select activity_date from {{ upstream }})
    {%- endif -%}
{%- endmacro %}

{#- A whole number that stands for the values of a row; NULL is a value. Adds up in any order. -#}
{% macro row_hash(columns) -%}
    {{ return(adapter.dispatch("row_hash")(columns)) }}
{%- endmacro %}

{% macro default__row_hash(columns) -%}
    hash({{ columns | join(", ") }})
{%- endmacro %}

{% macro postgres__row_hash(columns) -%}
    hashtextextended(cast(row({{ columns | join(", ") }}) as text), 0)
{%- endmacro %}

{% macro spark__row_hash(columns) -%}
    cast(xxhash64({{ columns | join(", ") }}) as decimal(20, 0))
{%- endmacro %}
