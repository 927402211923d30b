#!/bin/sh
# Installs the package into a copy of this system that is thrown away, and runs it as systemd would:
#
#   unshare --mount installed.sh PACKAGE FOLDER PORT
#
# What is said on standard output are the facts that a test asks for. FOLDER is an empty one.
set -eu
package=$1
folder=$2
port=$3

mount -t tmpfs tmpfs "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
root=$folder/root
mount --bind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
cp "$package" "$root/run/signalr.deb"
inside() { chroot "$root" "$@"; }

inside dpkg --install /run/signalr.deb >&2
keys=$root/etc/signalr/access-keys
echo "keys $(stat --format '%A %U:%G' "$root/etc/signalr/access-keys" | sed "s/UNKNOWN/signalr/")"
first=$(cat "$keys")
sed --in-place "s/^SIGNALR_PORT=.*/SIGNALR_PORT=$port/" "$root/etc/signalr/signalr.env"

inside dpkg --install /run/signalr.deb >&2
[ "$(cat "$keys")" = "$first" ] && echo "upgrade keeps the key"
grep --quiet "^SIGNALR_PORT=$port$" "$root/etc/signalr/signalr.env" && echo "upgrade keeps the settings"
inside systemd-analyze verify signalr.service && echo "unit verified"
[ -L "$root/etc/systemd/system/multi-user.target.wants/signalr.service" ] && echo "unit enabled"

unit=$root/usr/lib/systemd/system/signalr.service
value() { sed --quiet "s/^$1=//p" "$unit"; }
echo "key $first"
# shellcheck disable=SC2046
bwrap --bind "$root" / --ro-bind "$root/usr" /usr --ro-bind "$root/etc" /etc --dev /dev --proc /proc --tmpfs /tmp \
  --unshare-pid --as-pid-1 --die-with-parent --cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID --cap-add CAP_SETPCAP \
  --clearenv $(sed --quiet 's/^\([A-Z_]*\)=\(.*\)/--setenv \1 \2/p' "$root$(value EnvironmentFile)") \
  setpriv --reuid="$(value User)" --regid="$(value Group)" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
  $(value ExecStart) &
service=$!
trap 'kill -TERM $(cat /proc/$service/task/$service/children)' TERM
wait "$service" || true
# The trap ended the first wait.
ended=0
wait "$service" || ended=$?
echo "ended $ended"

inside dpkg --remove signalr >&2
[ -s "$keys" ] && echo "removal keeps the key"
inside dpkg --purge signalr >&2
[ ! -e "$root/etc/signalr" ] && echo "purge leaves nothing"
