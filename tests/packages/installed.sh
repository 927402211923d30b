#!/bin/sh
# Installs the package into a temporary copy of this system, and runs it as systemd would:
#
#   unshare --mount installed.sh PACKAGE FOLDER PORT
#
# It prints the facts that a test checks to standard output. FOLDER must be empty.
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
sed --in-place "s/^#SIGNALR_DATA=/SIGNALR_DATA=/" "$root/etc/signalr/signalr.env"
# With this level, the log reports when the keys are read again.
echo "RUST_LOG=info" >>"$root/etc/signalr/signalr.env"

inside dpkg --install /run/signalr.deb >&2
[ "$(cat "$keys")" = "$first" ] && echo "upgrade keeps the key"
grep --quiet "^SIGNALR_PORT=$port$" "$root/etc/signalr/signalr.env" && echo "upgrade keeps the settings"
inside systemd-analyze verify signalr.service && echo "unit verified"
[ -L "$root/etc/systemd/system/multi-user.target.wants/signalr.service" ] && echo "unit enabled"

unit=$root/usr/lib/systemd/system/signalr.service
value() { sed --quiet "s/^$1=//p" "$unit"; }
# systemd makes this folder at the start of the unit.
state=/var/lib/$(value StateDirectory)
inside install --directory --owner="$(value User)" --group="$(value Group)" --mode="$(value StateDirectoryMode)" "$state"
echo "key $first"
# shellcheck disable=SC2046
bwrap --bind "$root" / --ro-bind "$root/usr" /usr --ro-bind "$root/etc" /etc --dev /dev --proc /proc --tmpfs /tmp \
  --unshare-pid --as-pid-1 --die-with-parent --cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID --cap-add CAP_SETPCAP \
  --clearenv $(sed --quiet 's/^\([A-Z_]*\)=\(.*\)/--setenv \1 \2/p' "$root$(value EnvironmentFile)") \
  setpriv --reuid="$(value User)" --regid="$(value Group)" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
  $(value ExecStart) &
service=$!
program() { cat "/proc/$service/task/$service/children"; }
# Writes a new key before the old one. Then runs the unit's reload.
rotate() {
  { openssl rand -base64 32; cat "$keys"; } >"$folder/keys"
  cat "$folder/keys" >"$keys"
  echo "new key $(head -n 1 "$keys")"
  MAINPID=$(program) sh -c "$(value ExecReload)"
}
# A signal also ends the wait, and then its trap runs.
trap 'signalled=yes; rotate' HUP
trap 'signalled=yes; kill -TERM $(program)' TERM
signalled=yes
while [ -n "$signalled" ]; do
  signalled=
  ended=0
  wait "$service" || ended=$?
done
echo "ended $ended"
[ -n "$(ls "$root$state")" ] && echo "the data are in the folder of the unit"

inside dpkg --remove signalr >&2
[ -s "$keys" ] && echo "removal keeps the key"
inside dpkg --purge signalr >&2
[ ! -e "$root/etc/signalr" ] && [ ! -e "$root$state" ] && echo "purge leaves nothing"
