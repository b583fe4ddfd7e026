"""The delivery report: one HTML file that shows what the marts hold, and needs no network.

`marts` reads the marts of a DuckDB file, `charts` says how each set of rows is drawn (Vega-Lite),
`page` puts both into one file with the libraries that draw them. Only marts are read: what a metric
means, and what is realistic, is said in dbt.
"""
