{#-
    Fails on every row that breaks one of the rules of a table, in one scan for all of them; the last
    column, `broken_rules`, says which. NULL breaks `not_null` and `ordered` only.
-#}
{% test rules(model, not_null=[], numbers=[], ratios=[], ordered=[], words={}, conditions=[]) %}

{%- set rules = [] -%}
{%- for column in not_null -%}
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
    {%- do rules.append(("not: " ~ condition, condition)) -%}
{%- endfor -%}

with checked as (

    select
        *,
        {#- PostgreSQL takes 100 arguments. #}
        concat_ws('; '
            {%- for some in rules | batch(50) %}, nullif(concat_ws('; '
                {%- for label, holds in some %},
            case when not ({{ holds }}) then '{{ label | replace("'", "''") }}' end
                {%- endfor %}
        ), '')
            {%- endfor %}
        ) as broken_rules
    from {{ model }}

)

select * from checked
where broken_rules <> ''

{% endtest %}
