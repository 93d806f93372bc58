"""A real Docker Engine of the tests' own, and an image with this machine's nginx, made without a registry."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from tests import servers

IMAGE = "bigfootlive-media:tests"
MODULE = "/usr/lib/nginx/modules/ngx_rtmp_module.so"
USERS = {
    "etc/passwd": "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}


@dataclass(frozen=True)
class Engine:
    """A running Docker Engine: its address, a connected SDK client, and a network of our own with its gateway."""

    url: str
    client: Any
    network: str
    gateway: str
    process: subprocess.Popen[bytes]


@contextmanager
def docker_engine(folder: Path) -> Iterator[Engine]:
    """dockerd with its own socket, data and address range, which touches no other engine or firewall rule."""
    socket = folder / "docker.sock"
    number = servers.free_port() % 200
    command = [
        shutil.which("dockerd") or "/usr/sbin/dockerd",
        f"--host=unix://{socket}",
        f"--data-root={folder / 'data'}",
        f"--exec-root={folder / 'exec'}",
        f"--pidfile={folder / 'docker.pid'}",
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
        "--ip-forward=false",
        f"--default-address-pool=base=10.{number + 30}.0.0/16,size=24",
    ]
    with servers.running(command, folder / "dockerd.log") as process:
        url = f"unix://{socket}"
        servers.wait_until(socket.exists, f"dockerd ({folder / 'dockerd.log'})")
        client = docker.DockerClient(base_url=url, timeout=30)
        try:
            servers.wait_until(client.ping, "dockerd to answer")
            network = client.networks.create("bigfootlive-tests", driver="bridge")
            network.reload()
            client.api.import_image_from_data(media_image(), repository=IMAGE.split(":")[0], tag=IMAGE.split(":")[1])
            yield Engine(url, client, network.name, network.attrs["IPAM"]["Config"][0]["Gateway"], process)
        finally:
            for one in client.containers.list(all=True):
                one.remove(force=True)
            for one in client.networks.list(names=["bigfootlive-tests"]):
                one.remove()
            client.close()


def media_image() -> bytes:
    """A root file system as a tar: nginx and its RTMP module with their libraries, and busybox as the shell."""
    files = {shutil.which("nginx") or "/usr/sbin/nginx": "usr/sbin/nginx", MODULE: MODULE[1:]}
    for path in list(files):
        for library in _libraries(path):
            files[library] = library[1:]
    files[shutil.which("busybox") or "/bin/busybox"] = "bin/busybox"
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", dereference=True) as tar:
        for path, name in files.items():
            tar.add(os.path.realpath(path), arcname=name)
        shell = tarfile.TarInfo("bin/sh")
        shell.type, shell.linkname = tarfile.SYMTYPE, "busybox"
        tar.addfile(shell)
        for name, text in USERS.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return content.getvalue()


def _libraries(path: str) -> list[str]:
    """The libraries that the dynamic linker loads for a program, by absolute path."""
    listed = subprocess.run(["ldd", path], check=True, capture_output=True, text=True).stdout
    return re.findall(r"(/\S+) \(0x", listed)
