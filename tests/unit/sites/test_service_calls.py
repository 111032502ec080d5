"""What a site's answer is read as."""

import pytest
from tests.unit.sites.wire import site

from tricircle.sites.service_calls import SiteRefused, _read
from tricircle.sites.transport import Answer


def test_what_a_site_says_in_many_lines_is_said_in_one() -> None:
    body = b'{"badRequest": {"code": 400, "message": "Unexpected.\\n<class \'Oops\'>\\n"}}'
    with pytest.raises(SiteRefused) as refused:
        _read(site("a"), Answer(400, [], body), ())
    assert refused.value.message == "Site a said 400: Unexpected. <class 'Oops'>"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"NeutronError": {"type": "InUse", "message": "Quota\\nexceeded."}}', "Quota exceeded."),
        (b'{"NeutronError": {"type": "InUse"}}', "no words of its own."),
        (b"", "no words of its own."),
        (b"<html>", "no words of its own."),
    ],
)
def test_an_expected_refusal_has_the_same_words(body: bytes, words: str) -> None:
    assert _read(site("a"), Answer(409, [], body), {409}).words == words
