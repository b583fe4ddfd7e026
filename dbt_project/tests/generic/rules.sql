{#-
    Fails on every row that breaks one of the rules of a table, in one scan for all of them; the last
    column, `broken_rules`, says which. NULL breaks `not_null`, `unique` and `ordered` only. `unique` has
    lists of columns, of which no two rows share all. `conditions` may have names.
-#}
{% test rules(model, not_null=[], numbers=[], ratios=[], ordered=[], words={}, conditions=[], unique=[]) %}

{%- set rules = [] -%}
{%- for column in (not_null + unique | sum(start=[])) | unique -%}
    {%- do rules.append((column ~ " is null", column ~ " is not null")) -%}
{%- endfor -%}
{%- for column in numbers -%}
    {%- do rules.append((column ~ " is below 0 or infinite", is_within(column))) -%}
{%- endfor -%}
{%- for column in ratios -%}
    {%- do rules.append((column ~ " is not from 0 to 1", is_within(column, at_most=1))) -%}
{%- endfor -%}
{%- for expressions in ordered -%}
    {%- for smaller in expressions[1:] -%}
        {%- set larger = expressions[loop.index0] -%}
        {%- do rules.append((larger ~ " < " ~ smaller, is_at_least(larger, smaller))) -%}
    {%- endfor -%}
{%- endfor -%}
{%- for column, members in words.items() -%}
    {%- set is_word = column ~ " in ('" ~ members | join("', '") ~ "')" -%}
    {%- do rules.append((column ~ " is another word", "coalesce(" ~ is_word ~ ", true)")) -%}
{%- endfor -%}
{%- for condition in conditions -%}
    {%- if conditions is mapping -%}
        {%- do rules.append((condition, conditions[condition])) -%}
    {%- else -%}
        {%- do rules.append(("not: " ~ condition, condition)) -%}
    {%- endif -%}
{%- endfor -%}
{%- for columns in unique -%}
    {%- do rules.append((columns | join(", ") ~ " is in several rows", "repeated_" ~ loop.index ~ " is null")) -%}
{%- endfor -%}

with broken as (

    select
        model_row.*,
        {#- PostgreSQL takes 100 arguments. #}
        concat_ws('; '
            {%- for some in rules | batch(50) %}, nullif(concat_ws('; '
                {%- for label, holds in some %},
            case when not ({{ holds }}) then '{{ label | replace("'", "''") }}' end
                {%- endfor %}
        ), '')
            {%- endfor %}
        ) as broken_rules
    from {{ model }} as model_row
    {%- for columns in unique %}
    {%- set number = loop.index %}
    left join (
        select
            {%- for column in columns %}
            {{ column }} as column_{{ number }}_{{ loop.index }},
            {%- endfor %}
            count(*) as repeated_{{ number }}
        from {{ model }}
        group by {{ columns | join(", ") }}
        having count(*) > 1
    ) as repetitions_{{ number }}
        on
            {%- for column in columns %}
            {% if not loop.first %}and {% endif %}{{ column }} = column_{{ number }}_{{ loop.index }}
            {%- endfor %}
    {%- endfor %}
    where
        {%- for _, holds in rules %}
        {% if not loop.first %}or {% endif %}not ({{ holds }})
        {%- endfor %}

)

select * from broken

{% endtest %}
