"""Settings of launched media servers, read from ``BRIDGE_CONTAINERS_…`` environment variables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from exporters.checks import url
from exporters.settings import setting

PREFIX = "BRIDGE_CONTAINERS_"
DRIVERS = ("none", "processes", "docker")
SIZES = "small:200:1:512:0.05,medium:2000:2:1024:0.10,large:1000000:4:4096:0.40"


@dataclass(frozen=True)
class ContainersConfig:
    """How media servers are launched, reached, scraped and priced."""

    driver: str = setting("none", "what runs media servers: none, local processes or Docker", choices=DRIVERS)
    owner: str = setting("bigfootlive", "name of this installation; only containers labelled with it are touched")
    folder: Path = setting(Path("var/containers"), "where local processes and exporters keep their files")
    address: str = setting("127.0.0.1", "address that launched servers listen on")
    public_host: str = setting("127.0.0.1", "host name that encoders and players reach them by")
    nginx: str = setting("nginx", "program of local media servers; needs the RTMP module")
    rtmp_module: Path = setting(Path("/usr/lib/nginx/modules/ngx_rtmp_module.so"), "RTMP module of nginx; . for none")
    docker_url: str = setting("unix:///var/run/docker.sock", "Docker Engine API")
    docker_image: str = setting("bigfootlive/media:0.1.0", "image with nginx, its RTMP module and sh")
    docker_network: str = setting("", "Docker network to join; empty: the default bridge")
    docker_user: str = setting("65534:65534", "user and group inside the container")
    start_seconds: float = setting(15.0, "time a media server has to answer after its start", minimum=1, maximum=300)
    grace_seconds: float = setting(10.0, "time between SIGTERM and SIGKILL", minimum=0, maximum=300)
    poll_seconds: float = setting(2.0, "how often usage is measured", minimum=0.2, maximum=60)
    limit: int = setting(50, "media servers that may run at once", minimum=1)
    sizes: tuple[str, ...] = setting(
        tuple(SIZES.split(",")), "price table: name:expected viewers up to:CPUs:memory in MiB:price an hour"
    )
    egress_price: float = setting(0.0, "price of a GB (10^9 bytes) sent", minimum=0)
    targets_file: str = setting("", "Prometheus file_sd file to keep up to date (.yml or .json); empty: none")
    scrape_host: str = setting("127.0.0.1", "host name that Prometheus reaches the exporters by")
    exporter: bool = setting(True, "run an RTMP exporter beside each media server")
    exporter_address: str = setting("127.0.0.1", "address that these exporters listen on")
    hook_host: str = setting("127.0.0.1", "host name that media servers reach the exporters' hooks by")
    keys_url: str = setting(
        "",
        "where exporters check stream keys; empty: this bridge's /internal/publish",
        check=url("http://127.0.0.1:8001/internal/publish"),
    )
    recordings: str = setting("", "folder for recordings; empty: recording is not offered")
