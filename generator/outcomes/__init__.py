"""What households do for advertisers, with and without ads.

Every household of the log has two worlds. Without ads it converts now and then: the baseline. With
them some ads cause more conversions, and others bring one forward. Everything is a function of the
seed, the household, the advertiser and the impression, so the conversions of a panel are rows of
those of all households, and a campaign made alone has the same ones.
"""
