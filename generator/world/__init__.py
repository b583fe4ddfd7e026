"""The entities of a run: advertisers, campaigns, flights, line items and creatives of scenarios.

Every value that a scenario leaves open is drawn from the seed and the entity's id. So an entity
does not depend on the others that are made with it. `build.build_world` is the entrance.
"""
