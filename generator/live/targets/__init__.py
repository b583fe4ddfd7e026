"""Where a live run sends its rows: a module for each kind of target, all with the protocol of
`target.py`. `named.py` finds the target of an address."""
