#!/bin/sh
# Becomes what the agent's container is to it: a mount namespace of its own that gets the host's mounts but gives
# none back, the image's root file system, the host's at /host.
#   container.sh IMAGE DIRECTORY PROGRAM...     (under unshare --mount --propagation slave --ipc --pid --fork)
set -e
image=$1
root=$2
shift 2
mount -t tmpfs container "$root"
for path in "$image"/*; do
	name=${path##*/}
	case $name in
	proc | sys | dev | run | tmp | host | var) mkdir "$root/$name" ;;
	*)
		if [ -L "$path" ]; then
			cp -P "$path" "$root"
		else
			mkdir "$root/$name"
			mount --bind "$path" "$root/$name"
		fi
		;;
	esac
done
mkdir -p "$root/run/lunkeeper" "$root/run/csi" "$root/var/lib/lunkeeper" "$root/var/lib/kubelet"
mount -t proc proc "$root/proc"
for dir in sys dev run/lunkeeper run/csi var/lib/lunkeeper var/lib/kubelet; do
	mkdir -p "/$dir"
	mount --rbind "/$dir" "$root/$dir"
done
mount --rbind / "$root/host"
exec chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin UV_USE_IO_URING=0 "$@"
