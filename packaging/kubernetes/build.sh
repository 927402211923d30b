#!/bin/sh
# Prints signalr.yaml, made from the chart: build.sh HELM
set -eu
cat <<'HEADER'
# The service on Kubernetes without Helm. It demands a secret with the access keys, one on each line:
#
#   openssl rand -base64 32 > access-keys
#   kubectl create secret generic signalr --from-file=access-keys
#   kubectl apply --filename packaging/kubernetes/signalr.yaml
#
# This file is made from packaging/helm/signalr by packaging/kubernetes/build.sh.
HEADER
"$1" template signalr "$(dirname "$0")/../helm/signalr" --set existingSecret=signalr
