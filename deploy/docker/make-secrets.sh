#!/bin/sh
# Makes the secrets that docker-compose.yml mounts, once: what is there already stays.
# usage: make-secrets.sh [FOLDER]     FOLDER is ./secrets unless named; SECRETS tells compose of another one
set -eu
folder=${1:-${SECRETS:-secrets}}
umask 077
mkdir -p "$folder"
# The folder is closed to other users of this machine; the files are readable, because each container has its own user.
chmod 700 "$folder"

random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }

for name in internal-token push-token jwt-secret stream-keys database-password grafana-password; do
  if [ ! -s "$folder/$name" ]; then
    random > "$folder/$name.new"
    mv "$folder/$name.new" "$folder/$name"
    echo "made $folder/$name"
  fi
done
if [ ! -s "$folder/database-url" ]; then
  printf 'postgresql://analytics:%s@database:5432/analytics' "$(cat "$folder/database-password")" > "$folder/database-url"
  echo "made $folder/database-url"
fi
chmod 444 "$folder"/*
