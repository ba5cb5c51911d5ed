"""Who asks the OVH API, and where: from the environment, else from the ini files that the ``ovh`` package reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gitops.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

ENDPOINTS = {
    "ovh-eu": "https://eu.api.ovh.com/1.0",
    "ovh-ca": "https://ca.api.ovh.com/1.0",
    "ovh-us": "https://api.us.ovhcloud.com/1.0",
}
KEYS = ("application_key", "application_secret", "consumer_key")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """An endpoint, by name or URL, and the three keys. Neither ``repr`` nor ``str`` shows a key."""

    endpoint: str
    application_key: str = field(repr=False)
    application_secret: str = field(repr=False)
    consumer_key: str = field(repr=False)

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return ENDPOINTS.get(self.endpoint, self.endpoint)

    @property
    def local(self) -> bool:
        """True where the endpoint is on this machine: a sandbox."""
        return urlsplit(self.url).hostname in LOOPBACK

    @property
    def secrets(self) -> tuple[str, str, str]:
        """What no message may hold."""
        return (self.application_key, self.application_secret, self.consumer_key)


def credentials_from(environment: Mapping[str, str]) -> Credentials:
    """From OVH_ENDPOINT, OVH_APPLICATION_KEY, OVH_APPLICATION_SECRET and OVH_CONSUMER_KEY.

    What is not set is looked up in ``ovh.conf`` (here, in the home folder as ``.ovh.conf``, in /etc), in the section of
    the endpoint. Raises InputError that names what is missing.
    """
    found = {name: environment.get(f"OVH_{name.upper()}", "") for name in ("endpoint", *KEYS)}
    if not all(found.values()):
        found = _completed_from_files(found)
    endpoint = _endpoint(found["endpoint"] or "ovh-eu")
    missing = [f"OVH_{name.upper()}" for name in KEYS if not found[name]]
    if missing:
        raise InputError(
            f"no credentials for the OVH API ({endpoint}): set {', '.join(missing)}, or write them to ovh.conf"
        )
    return Credentials(
        endpoint=endpoint, application_key=found["application_key"], application_secret=found["application_secret"],
        consumer_key=found["consumer_key"],
    )  # fmt: skip


def _completed_from_files(found: dict[str, str]) -> dict[str, str]:
    """Keys of one file and keys of the environment do mix, as they do in the ``ovh`` package."""
    from configparser import Error, RawConfigParser  # noqa: PLC0415 - only without a full environment

    from ovh.config import CONFIG_PATH  # noqa: PLC0415 - slow to load

    files = RawConfigParser()
    try:
        files.read(CONFIG_PATH)
    except (Error, UnicodeDecodeError) as error:
        place = getattr(error, "source", "ovh.conf")
        broken = f"{place} is not an ini file ({type(error).__name__})"
        raise InputError(f"{broken}; mend it or set the four OVH variables") from None
    endpoint = found["endpoint"] or files.get("default", "endpoint", fallback="ovh-eu")
    keys = {name: found[name] or files.get(endpoint, name, fallback="") for name in KEYS}
    return {"endpoint": endpoint, **keys}


def _endpoint(text: str) -> str:
    if text in ENDPOINTS:
        return text
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        known = ", ".join(ENDPOINTS)
        raise InputError(f"OVH_ENDPOINT {text!r} is unknown; it is {known} or a URL like http://127.0.0.1:8080/1.0")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise InputError(f"OVH_ENDPOINT on {parts.hostname} must be a plain URL, without user, query or fragment")
    return text.rstrip("/")
