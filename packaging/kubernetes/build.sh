#!/bin/sh
# Makes signalr.yaml from the chart and prints it: build.sh HELM
set -eu
cat <<'HEADER'
# The service on Kubernetes without Helm. It needs a secret with the access keys, one on each line:
#
#   openssl rand -base64 32 > access-keys
#   kubectl create secret generic signalr --from-file=access-keys
#   kubectl apply --filename packaging/kubernetes/signalr.yaml
#
# packaging/kubernetes/build.sh makes this file from packaging/helm/signalr.
HEADER
"$1" template signalr "$(dirname "$0")/../helm/signalr" --set existingSecret=signalr
