#!/bin/sh
# A part of the demo, publish or audience, with a token for the bridge minted from its shared secret.
set -eu
LOCAL_TOKEN=$(bigfootlive token --subject demo --role operator --role ingest --hours 8760)
export LOCAL_TOKEN
unset BRIDGE_JWT_SECRET_FILE
exec python -m deploy.local "$1"
