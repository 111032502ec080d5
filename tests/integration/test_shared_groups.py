"""A security group that is shared with a project at the top is used by its servers in the sites."""

import pytest
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import eventually
from tests.integration.drawing import Document, Drawing, adopted, marked, on, shares

pytestmark = pytest.mark.usefixtures("nothing_left")


def test_a_server_of_another_project_is_in_a_shared_group(
    drawing: Drawing,
    strangers_drawing: Drawing,
    strangers_servers: Belongings,
    stranger: Client,
    sites: list[SiteAdmin],
) -> None:
    site = sites[0]
    group = drawing.make("security-groups", "security_group")
    policy = drawing.share("security_group", group, stranger)
    network = strangers_drawing.network()
    server = strangers_servers.server(
        "guest", site.site.zone, networks=on(network), security_groups=[{"name": group["id"]}]
    )
    (there,) = marked(site, "security-groups", group["id"])
    assert there["project_id"] == group["project_id"]
    assert [each["target_tenant"] for each in shares(site, there)] == [stranger.project_id]
    port: Document = adopted(strangers_drawing, server)
    assert port["security_groups"] == [group["id"]]
    in_site = site.connection.network.get(f"/ports/{port['id']}").json()["port"]
    assert in_site["security_groups"] == [there["id"]]
    in_use = drawing.neutron.delete(f"/rbac-policies/{policy['id']}")
    assert in_use.status_code == 409
    strangers_servers.put_away()
    eventually(
        lambda: drawing.neutron.delete(f"/rbac-policies/{policy['id']}").status_code == 204,
        "the group shared no more",
    )
    eventually(lambda: not shares(site, there), f"the group shared no more in {site.site.name}")
