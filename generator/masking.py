"""What may be shown of an address: all of it but a password."""

from __future__ import annotations

import re
from urllib.parse import unquote

MASK = "***"
# `user:PASSWORD@` behind `://`, up to the last @, and `password=PASSWORD` in a query or beside it.
_IN_ADDRESS = re.compile(r"(?P<before>://[^:/@\s]*:)(?P<secret>\S+)(?=@)")
_BY_NAME = re.compile(r"(?P<before>\b(?:ssl)?password\s*=\s*)(?P<secret>'[^']*'|[^&\s'\"]+)", re.I)


def masked(text: str) -> str:
    """The text with the password of every address in it replaced."""
    for pattern in (_IN_ADDRESS, _BY_NAME):
        text = pattern.sub(rf"\g<before>{MASK}", text)
    return text


def without_secrets_of(address: str, message: str) -> str:
    """A message about an address, with neither its password nor a quoted part of one."""
    message = masked(message)
    for pattern in (_IN_ADDRESS, _BY_NAME):
        for match in pattern.finditer(address):
            for secret in (match["secret"], unquote(match["secret"])):
                message = message.replace(secret, MASK)
                for part in re.findall(r'"([^"]+)"', message):
                    if part in secret:
                        message = message.replace(f'"{part}"', f'"{MASK}"')
    return message
