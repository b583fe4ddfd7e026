"""How the user started the program, for the commands that its messages name."""

from __future__ import annotations

import sys
from pathlib import Path

NAME = "streaming-ads"
# The command that the user typed: the installed one, or the package of a checkout.
COMMAND = NAME if Path(sys.argv[0]).stem == NAME else "python -m generator"
# The environment variable of each setting.
ENVIRONMENT = {
    "database": "ADS_DATABASE",
    "seed": "ADS_SEED",
    "as_of": "ADS_AS_OF",
    "templates": "ADS_TEMPLATES",
    "jobs": "ADS_JOBS",
    "engine": "ADS_ENGINE",
    "log_level": "ADS_LOG_LEVEL",
}
