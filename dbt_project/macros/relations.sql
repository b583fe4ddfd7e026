{#-
    ref() and source() without the database part. A DuckDB view keeps the text of its query, and the
    database is named after the file: with that name in it, the views of a file that was renamed, copied
    or attached under another name would be broken.
-#}
{% macro ref() -%}
    {{ return(builtins.ref(*varargs, **kwargs).include(database=false)) }}
{%- endmacro %}

{% macro source() -%}
    {{ return(builtins.source(*varargs, **kwargs).include(database=false)) }}
{%- endmacro %}
