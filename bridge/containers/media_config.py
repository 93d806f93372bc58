"""The nginx configuration of a launched media server: ingest, packager, HLS and its state on one HTTP port.

nginx-rtmp writes HLS under the name that the encoder published, which is a secret key; so the renamed stream is pushed
to a second application, and only that one writes files.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Template

RENDITIONS = {"_1080p": 5_000_000, "_720p": 2_800_000, "_480p": 1_400_000, "_360p": 800_000, "_240p": 400_000}

TEMPLATE = Template("""\
$module
pid $folder/nginx.pid;
error_log stderr notice;
daemon off;
worker_processes 1;
events { worker_connections 4096; }

rtmp {
    access_log off;
    server {
        listen $address:$rtmp_port;
        chunk_size 4096;
        ping 30s;
        application live {
            live on;
            wait_key on;
            idle_streams off;
$hooks
            push rtmp://127.0.0.1:$packager_port/hls;
        }
    }
    server {
        listen 127.0.0.1:$packager_port;
        chunk_size 4096;
        application hls {
            live on;
            allow publish 127.0.0.1;
            deny publish all;
            deny play all;
            hls on;
            hls_path $folder/hls;
            hls_nested on;
            hls_fragment 2s;
            hls_playlist_length 12s;
            hls_cleanup on;
$variants
$record
        }
    }
}

http {
    access_log off;
    server_tokens off;
    client_body_temp_path $folder/body;
    proxy_temp_path $folder/proxy;
    fastcgi_temp_path $folder/fastcgi;
    uwsgi_temp_path $folder/uwsgi;
    scgi_temp_path $folder/scgi;
    types {
        application/vnd.apple.mpegurl m3u8;
        video/mp2t ts;
    }
    server {
        listen $address:$http_port;
        location = /stat { rtmp_stat all; add_header Cache-Control no-store; }
        location /hls/ {
            root $folder;
            add_header Cache-Control "max-age=1" always;
            add_header Access-Control-Allow-Origin "*" always;
        }
    }
}
""")


@dataclass(frozen=True, slots=True)
class MediaPorts:
    """The ports that a media server listens on."""

    rtmp: int
    http: int
    packager: int


def media_config(
    ports: MediaPorts, folder: str, address: str, module: str = "", hook_url: str = "", recordings: str = ""
) -> str:
    """The text of ``nginx.conf``; everything that nginx writes goes below ``folder`` and ``recordings``."""
    hooks = f"            on_publish {hook_url};\n            on_publish_done {hook_url};" if hook_url else ""
    variants = "\n".join(f"            hls_variant {name} BANDWIDTH={rate};" for name, rate in RENDITIONS.items())
    record = f"            record all;\n            record_path {recordings};\n            record_unique on;"
    return TEMPLATE.substitute(
        module=f"load_module {module};" if module else "",
        folder=folder,
        address=address,
        rtmp_port=ports.rtmp,
        http_port=ports.http,
        packager_port=ports.packager,
        hooks=hooks,
        variants=variants,
        record=record if recordings else "            record off;",
    )
