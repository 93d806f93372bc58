#!/bin/sh
# nginx, and beside it a rotation of the edge log: one older file is kept, for a reader that is behind.
set -eu
log=/srv/log/edge.json
limit=${EDGE_LOG_BYTES:-268435456}
while sleep "${EDGE_LOG_SECONDS:-60}"; do
  size=$(stat -c %s "$log" 2> /dev/null || echo 0)
  if [ "$size" -gt "$limit" ]; then
    mv "$log" "$log.1"
    kill -USR1 "$(cat /srv/run/nginx.pid)"
  fi
done &
exec nginx -c /etc/bigfootlive/nginx.conf -e stderr
