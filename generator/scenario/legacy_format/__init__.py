"""The older shape of templates, read into the project's own.

`shape` says what such files may hold, `entries` finds the campaigns in a file and lays each on the
template that it inherits from, and `translation` makes scenario documents of them, whose keys still
point at the lines they came from. What has no meaning here is reported in one notice; a key that is
nearly one with a meaning is taken for a mistake.
"""

from generator.scenario.legacy_format.entries import LegacyFile, is_legacy
from generator.scenario.legacy_format.translation import Remarks, Translation, translate

__all__ = ["LegacyFile", "Remarks", "Translation", "is_legacy", "translate"]
