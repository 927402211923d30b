#!/bin/sh
# Builds the image of the Containerfile without a container engine: image.sh BINARY FOLDER
# BINARY is the static `signalr`. FOLDER becomes an OCI layout with the image `signalr:latest`.
set -eu
binary=$(realpath "$1")
layout=$(realpath --canonicalize-missing "$2")
umoci init --layout "$layout"
umoci new --image "$layout:latest"
umoci insert --image "$layout:latest" "$binary" /signalr
umoci config --image "$layout:latest" \
  --config.user 65532:65532 \
  --config.env SIGNALR_IP=0.0.0.0 --config.env SIGNALR_PORT=8888 \
  --config.exposedports 8888/tcp \
  --config.stopsignal SIGTERM \
  --config.entrypoint /signalr --config.cmd serve \
  --config.label org.opencontainers.image.title=signalr \
  --config.label "org.opencontainers.image.licenses=MIT OR Apache-2.0"
