{#-
    Which days of an incremental mart have to be built again. `int_source_days` has a digest of every day
    of raw, and every row of such a mart carries the digest of what it was built from: the day of raw, and
    the SQL of the project. A day with another digest, however old, is deleted and inserted; a day that raw
    no longer has is deleted. So the state is in the mart itself: a run that was interrupted, raw
    data of another seed or a changed model cannot leave a stale day behind.
-#}
{% macro stale_days(source_days, raw_table, day="activity_date") -%}
    select day_now.{{ day }}
    from {{ source_days }} as day_now
    left join (
        select
            {{ day }},
            min(source_digest) as first_digest,
            max(source_digest) as last_digest
        from {{ this }}
        group by {{ day }}
    ) as day_built
        on day_now.{{ day }} = day_built.{{ day }}
    where
        day_now.raw_table = '{{ raw_table }}'
        and not coalesce(
            day_built.first_digest = day_built.last_digest
            and day_built.last_digest = {{ digest_of_build("day_now.source_digest") }},
            false
        )
{%- endmacro %}

{#- The first 32 characters are the MD5 of what raw has; marts hand it on to the marts that read them. -#}
{% macro digest_of_build(source_digest) -%}
    left({{ source_digest }}, 32) || '-{{ local_md5(code_of_this_package())[:8] }}'
{%- endmacro %}

{#- What the models of this package are made of: their SQL and the macros that it may call. -#}
{% macro code_of_this_package() -%}
    {%- set texts = models_of_this_package() | map(attribute="raw_code") | list -%}
    {%- for name, macro in context.get("streaming_ads", {}).items() if not name.startswith("test_") -%}
        {%- do texts.append(macro.macro.macro_sql) -%}
    {%- endfor -%}
    {{- return(texts | sort | join) -}}
{%- endmacro %}

{% macro forget_days_that_left(source_days, raw_table, day="activity_date") -%}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where {{ day }} not in (
            select {{ day }} from {{ source_days }}
            where raw_table = '{{ raw_table }}'
        )
    {%- endif -%}
{%- endmacro %}

{#-
    For a mart of which a day that is built again may have no row left, as at the end of days on other
    clocks: delete+insert deletes no day but those it inserts.
-#}
{% macro forget_stale_days(source_days, raw_table, day="activity_date") -%}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where {{ day }} in ({{ stale_days(source_days, raw_table, day) }})
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
