"""The lines of a watch."""

from __future__ import annotations

import pytest

from gitops.cluster.live.events import Change, read_event


def test_an_event_says_what_and_which() -> None:
    event = read_event(b'{"type":"MODIFIED","object":{"kind":"Pod","metadata":{"namespace":"shop","name":"web","resourceVersion":"7"},"spec":{}}}')
    assert (event.change, event.head.key, event.head.metadata.resource_version) == (Change.MODIFIED, ("shop", "web"), "7")
    assert bytes(event.raw).startswith(b'{"kind":"Pod"')


def test_a_bookmark_has_a_version_and_no_name() -> None:
    event = read_event(b'{"type":"BOOKMARK","object":{"kind":"Node","metadata":{"resourceVersion":"9"}}}')
    assert (event.change, event.head.key, event.head.metadata.resource_version) == (Change.BOOKMARK, ("", ""), "9")


def test_an_error_has_a_code() -> None:
    event = read_event(b'{"type":"ERROR","object":{"kind":"Status","metadata":{},"code":410,"reason":"Expired"}}')
    assert (event.change, event.head.code) == (Change.ERROR, 410)


@pytest.mark.parametrize("line", [b"", b"<html>", b"[]", b'{"type":"ADDED"}', b'{"type":"NEW","object":{}}', b'{"type":"ADDED","object":[]}'])
def test_anything_else_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_event(line)
