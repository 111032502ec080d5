"""Answers: documents and the links in them."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import falcon
import orjson

Document = Mapping[str, Any]


def answer(resp: falcon.Response, document: Document, status: int = 200) -> None:
    """Answer with a document."""
    resp.status = status
    resp.content_type = falcon.MEDIA_JSON
    resp.data = orjson.dumps(document)


def answer_page(
    req: falcon.Request,
    resp: falcon.Response,
    *,
    collection: str,
    url: str,
    items: Sequence[Document],
    limit: int,
    marker: str,
) -> None:
    """Answer with a page of a list, and a link to the next one if there is more.

    :param collection: the key that the items stand under.
    :param url: of the list, without a query.
    :param items: one more than the page holds, if there is one more.
    :param limit: most items of the page.
    :param marker: the field of an item that the next page's marker is taken from.
    """
    page = items[:limit]
    document: dict[str, Any] = {collection: page}
    if len(items) > limit:
        query = {**req.params, "marker": page[-1][marker]}
        document[f"{collection}_links"] = [{"rel": "next", "href": f"{url}?{urlencode(query)}"}]
    answer(resp, document)


def self_links(collection_url: str, name: str) -> list[dict[str, str]]:
    """Make the links of one item of a list."""
    return [{"rel": "self", "href": f"{collection_url}/{quote(name, safe='')}"}]
