#!/bin/sh
# in-root.sh [--read-only DATA] ROOT USER:GROUP COMMAND…: runs a command in a root of its own, as that user, with /proc.
# With --read-only nothing can be written there but /tmp, /data, which is DATA, and /backups, which is
# DATA.backups where that is there. Mounts are seen by the command only, and
# signals go to it: each program here replaces the one before.
set -e
if [ "$1" != --mounted ]; then exec unshare --mount -- /bin/sh "$0" --mounted "$@"; fi
shift
if [ "$1" = --read-only ]; then
  data=$2
  shift 2
  mount --bind "$1" "$1"
  mount --options remount,bind,ro "$1"
  mount --bind "$data" "$1/data"
  if [ -d "$data.backups" ]; then mount --bind "$data.backups" "$1/backups"; fi
  mount --types tmpfs tmpfs "$1/tmp"
  mount --rbind /dev "$1/dev"
fi
mount --types proc proc "$1/proc"
root=$1
user=$2
shift 2
exec chroot --groups= --userspec="$user" "$root" "$@"
