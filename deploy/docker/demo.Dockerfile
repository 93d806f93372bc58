# The demo's publisher needs ffmpeg beside our own code.
ARG APP_IMAGE=bigfootlive/analytics:0.1.0
FROM ${APP_IMAGE}
USER 0
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*
USER 10001:10001
