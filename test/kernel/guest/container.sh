#!/bin/sh
# Becomes what the agent's container is to it: a mount namespace of its own that gets the host's mounts but gives
# none back, a root file system of its own, the host's at /host, and none of the host's storage programs.
#   container.sh DIRECTORY PROGRAM...     (under unshare --mount --propagation slave --ipc --pid --fork)
set -e
root=$1
shift
mount -t tmpfs container "$root"
for dir in bin lib lib64 sbin usr lab; do
	[ -e "/$dir" ] || continue
	mkdir "$root/$dir"
	mount --rbind "/$dir" "$root/$dir"
done
mkdir -p "$root/etc" "$root/tmp" "$root/proc" "$root/sys" "$root/dev" "$root/host" "$root/root" \
	"$root/run/lunkeeper" "$root/run/csi" "$root/var/lib/lunkeeper" "$root/var/lib/kubelet" "$root/mnt"
cp /etc/passwd "$root/etc"
mount -t proc proc "$root/proc"
for dir in sys dev run/lunkeeper run/csi var/lib/lunkeeper var/lib/kubelet; do
	mkdir -p "/$dir"
	mount --rbind "/$dir" "$root/$dir"
done
mount --rbind / "$root/host"
for program in iscsiadm iscsid dmsetup multipath mkfs.ext4 fsck.ext4 resize2fs blkid blockdev; do
	for dir in usr/sbin sbin usr/bin; do
		[ -e "$root/$dir/$program" ] && mount --bind /dev/null "$root/$dir/$program"
	done
done
exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin UV_USE_IO_URING=0 LUNKEEPER_NODE=/lab/node/node "$@"
