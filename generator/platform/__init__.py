"""The model of a platform file, and the dbt seeds that follow from the platforms."""
