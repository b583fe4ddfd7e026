"""Who exists: scenarios become advertisers, campaigns, flights, line items and creatives.

Every value that a scenario leaves open is drawn from the seed and the entity's own id, so that an
entity is the same whichever others are made beside it. `build.build_world` is the way in.
"""
