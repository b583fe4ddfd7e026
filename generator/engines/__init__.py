"""How a run is carried out: which campaigns are made where, and in which order their rows are
handed to the sink. Every engine gives the same rows."""
