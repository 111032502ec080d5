"""What keeps a site from having what a user's server needs, told as it concerns the user."""

from collections.abc import Iterator
from contextlib import contextmanager

from oslo_log import log

from tricircle.errors import AnswerLost, BadRequest, Conflict, SiteUnavailable
from tricircle.realise.reach import OutOfReach
from tricircle.realise.segments import SegmentRefused
from tricircle.sites.service_calls import SiteRefused
from tricircle.sites.site import Site

LOG = log.getLogger(__name__)


@contextmanager
def told(site: Site) -> Iterator[None]:
    """Translate what is raised in a `with` block.

    :raises SiteUnavailable: the site's answer was lost.
    :raises BadRequest: the site says that something is bad.
    :raises OutOfReach: a network cannot be there as it is.
    :raises Conflict: something is in the way.
    """
    try:
        yield
    except AnswerLost as error:
        # What it was is found again by its mark.
        raise SiteUnavailable(f"Site {site.name} does not answer.", site=site.name) from error
    except SegmentRefused as error:
        # Users are not shown what their networks are in the fabric.
        LOG.warning("%s", error.message)
        words = (
            f"Network {error.network_id} cannot be in site {site.name} as it is. Choose another availability "
            "zone; an administrator finds the cause in the network's jobs."
        )
        kind = OutOfReach if error.site_status == 400 else Conflict
        raise kind(words, site=site.name, request_id=error.request_id) from error
    except SiteRefused as error:
        refusal = BadRequest if error.site_status == 400 else Conflict
        raise refusal(error.message, site=site.name, request_id=error.request_id) from error
