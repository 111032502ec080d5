"""nginx, once as the site and once as the proxy that everything is compared with."""

from pathlib import Path

_BASE = """
daemon off;
{user}
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    keepalive_timeout 3600;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {content}
}}
"""

_SITE = """
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        default_type application/json;
        location / {{
            add_header OpenStack-API-Version "compute 2.1";
            add_header X-OpenStack-Nova-API-Version 2.1;
            add_header Vary "OpenStack-API-Version, X-OpenStack-Nova-API-Version";
            add_header x-openstack-request-id req-00000000-0000-4000-8000-000000000000;
            add_header x-compute-request-id req-00000000-0000-4000-8000-000000000000;
            root {directory};
            rewrite ^ /server.json break;
        }}
        location = /v2.1/ {{
            root {directory};
            rewrite ^ /version.json break;
        }}
    }}
"""

_PROXY = """
    upstream site {{
        server 127.0.0.1:{upstream};
        keepalive 256;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://site;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
"""


def site(directory: Path, port: int, document: bytes, version: bytes, user: str) -> list[str]:
    """Write the configuration of a site that answers each GET with the same server, and return its command.

    A real Nova would take some 10 ms of processor for what costs nginx 10 us: nothing could be seen
    beside it, and it would wait for the gateway less often than the gateway for it.
    """
    (directory / "server.json").write_bytes(document)
    (directory / "version.json").write_bytes(version)
    content = _SITE.format(port=port, directory=directory)
    return _command(directory, content, user)


def proxy(directory: Path, port: int, upstream: int, user: str) -> list[str]:
    """Write the configuration of the proxy, and return its command.

    It is at its leanest: no access log, connections to the site kept open.
    """
    return _command(directory, _PROXY.format(port=port, upstream=upstream), user)


def _command(directory: Path, content: str, user: str) -> list[str]:
    configuration = directory / "nginx.conf"
    configuration.write_text(_BASE.format(directory=directory, content=content, user=user))
    return ["nginx", "-p", str(directory), "-c", str(configuration), "-e", str(directory / "error.log")]
