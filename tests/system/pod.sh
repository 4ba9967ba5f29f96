#!/bin/sh
# What a container runtime does first: namespaces of its own for the image at ROOT, its
# mounts as containerd makes them for a pod with a read-only root, and the service account
# as a kubelet mounts it. tests/system/pod does the rest.
#
#   pod.sh ROOT SERVICE-ACCOUNT PROGRAM [ARGUMENT...]
#
# The network is that of the machine: the world is on loopback. The program is process 1 of
# its namespace, a child of this process. Without root this needs user namespaces.
set -eu

if [ "$1" != --inside ]; then
	user=
	[ "$(id -u)" -eq 0 ] || user="--user --map-root-user"
	# shellcheck disable=SC2086
	exec unshare $user --mount --pid --ipc --uts --fork --kill-child \
		sh "$0" --inside "$@"
fi
root=$2
account=$3
shift 3

# bind FROM PATH: of the pod, read-only
bind() {
	if [ -d "$1" ]; then mkdir -p "$root$2"; else
		mkdir -p "$root${2%/*}"
		[ -e "$root$2" ] || : >"$root$2"
	fi
	mount --bind "$1" "$root$2"
	mount -o remount,bind,ro "$root$2"
}

mount --bind "$root" "$root"
mkdir -p "$root/proc" "$root/dev"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o nosuid,mode=755 tmpfs "$root/dev"
for device in null zero full random urandom; do
	: >"$root/dev/$device"
	mount --bind "/dev/$device" "$root/dev/$device"
done
bind /etc/resolv.conf /etc/resolv.conf
bind /etc/hosts /etc/hosts
bind "$account" /var/run/secrets/kubernetes.io/serviceaccount
for path in kcore keys latency_stats timer_list sched_debug; do
	[ ! -e "$root/proc/$path" ] || mount --bind /dev/null "$root/proc/$path"
done
for path in acpi asound scsi; do
	[ ! -e "$root/proc/$path" ] || mount -t tmpfs -o ro tmpfs "$root/proc/$path"
done
for path in bus fs irq sys sysrq-trigger; do
	[ ! -e "$root/proc/$path" ] || bind "$root/proc/$path" "/proc/$path"
done
mount -o remount,bind,ro "$root/dev"
mount -o remount,bind,ro,nosuid,nodev "$root"
exec "$POD" "$root" "$@"
