# nginx with the RTMP module: ingest, HLS origin and caching edge.
ARG DEBIAN_IMAGE=debian:bookworm-slim
FROM ${DEBIAN_IMAGE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends nginx-light libnginx-mod-rtmp wget \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 bigfootlive \
 && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin bigfootlive \
 && install -d -o 10001 -g 10001 /srv/media /srv/media/hls /srv/log /srv/run
COPY deploy/docker/nginx.conf deploy/docker/media.sh /etc/bigfootlive/
USER 10001:10001
EXPOSE 1935 8080 8081
CMD ["sh", "/etc/bigfootlive/media.sh"]
