"""The kinds of templates, and the workflow that is made where none is named."""

from enum import StrEnum

# The workflow for which nothing is named.
DEFAULT_WORKFLOW = "showcase"


class TemplateKind(StrEnum):
    """The folders of `templates/`."""

    PLATFORMS = "platforms"
    EXAMPLES = "examples"
    PROFILES = "profiles"
    WORKFLOWS = "workflows"
