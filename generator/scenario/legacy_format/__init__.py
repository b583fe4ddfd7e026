"""The older shape of templates, read into the project's own.

`shape` defines what such files may hold. `entries` finds the campaigns in a file and lays each on
the template that it inherits from. `translation` makes scenario documents of them, and their keys
still point at the lines they came from. One notice reports what is not used. A key that is nearly a
known one is taken for a mistake.
"""

from generator.scenario.legacy_format.entries import LegacyFile, is_legacy
from generator.scenario.legacy_format.translation import Remarks, Translation, translate

__all__ = ["LegacyFile", "Remarks", "Translation", "is_legacy", "translate"]
