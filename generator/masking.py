"""What may be shown of an address: all of it but secrets.

An address is taken apart, and only the parts that are known to hold no secret are shown again. What
lies before the last @ is its user and password, with any character; of its query only options that
are known are shown.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

MASK = "***"
_MARK = "://"
_USER = re.compile(r"[\w.%+-]+(?:@[\w.-]+)?")
# Users without a password are no secret here; elsewhere such a name may be a token.
_WITH_USERS = ("postgresql", "postgres")
_PUBLIC_OPTIONS = {
    *("host", "hostaddr", "port", "user", "dbname", "sslmode", "application_name", "service"),
    *("connect_timeout", "client_encoding", "options", "target_session_attrs", "gssencmode"),
    *("region", "scheme", "endpoint_override", "allow_bucket_creation", "allow_bucket_deletion"),
}
# Each word is read once, from its start: a long text takes no more time than its length asks.
_BY_NAME = re.compile(
    r"(?<![\w-])(?=[\w-]*?(?:password|passwd|pwd|secret|token|access_key))"
    r"(?P<name>[\w-]++\s*+=\s*+)(?P<secret>'(?:\\.|[^'\\])*+'?|[^&\s'\"]+)",
    re.IGNORECASE,
)
_SHORTEST_PART = 3


def mask(text: str) -> str:
    """Return the text with the secrets of an address in it replaced.

    >>> mask("postgresql://ads:secret@db.example/ads")
    'postgresql://ads:***@db.example/ads'
    """
    before, mark, rest = text.partition(_MARK)
    if mark:
        text = before + mark + _take_apart(before, rest)[0]
    return _BY_NAME.sub(rf"\g<name>{MASK}", text)


def without_secrets_of(address: str, message: str) -> str:
    """Return a message about an address, without its secrets and without parts of them."""
    secrets = {match["secret"].strip("'") for match in _BY_NAME.finditer(address)}
    before, mark, rest = address.partition(_MARK)
    if mark:
        message = message.replace(address, mask(address))
        secrets |= _take_apart(before, rest)[1]
    parts = {part for secret in secrets for part in re.split(r"[/?#@:\s]", secret)}
    secrets |= {part for part in parts if len(part) >= _SHORTEST_PART}
    known = {*secrets, *map(unquote, secrets)} - {""}
    for secret in sorted(known, key=len, reverse=True):
        message = message.replace(secret, MASK)
    for part in re.findall(r'"([^"]+)"', message):
        if any(part in secret for secret in known):
            message = message.replace(f'"{part}"', f'"{MASK}"')
    return mask(message)


def _take_apart(before: str, rest: str) -> tuple[str, set[str]]:
    """Return what is shown of the rest of an address, behind its ://, and its secrets."""
    login, at, place = rest.rpartition("@")
    user, colon, password = login.partition(":")
    secrets = {password} if colon else set()
    is_shown = _USER.fullmatch(user) and (colon or before.lower().endswith(_WITH_USERS))
    if at and not is_shown:
        secrets.add(login)
    if "?" in login:
        # An @ of a password, or of an option: the rest may be part of either.
        return MASK, secrets | {place}
    try:
        parts = urlsplit(f"x://{place}")
    except ValueError:
        return MASK, secrets | {place}
    options = []
    for option in parts.query.split("&") if parts.query else ():
        name, equals, value = option.partition("=")
        if equals and name.lower() not in _PUBLIC_OPTIONS:
            secrets.add(value)
            value = MASK
        options.append(f"{name}{equals}{value}")
    shown_login = f"{user}:{MASK}@" if colon else f"{user}@"
    return (
        f"{(shown_login if is_shown else f'{MASK}@') if at else ''}"
        f"{parts.netloc}{parts.path}{'?' if options else ''}{'&'.join(options)}"
        f"{f'#{MASK}' if parts.fragment else ''}",
        secrets - {""},
    )
