#!/bin/bash
# The floor: what open-iscsi's own tools and sysfs need for the same work, with nothing around it.
# Prints the milliseconds between its first and its last step; the shell's own start is not in them.
#   floor.sh attach|scan|detach|unscan IQN LUN [PORTAL]
set -eu
what=$1 iqn=$2 lun=$3 portal=${4:-127.0.0.1:3260}
started=$EPOCHREALTIME

# Sets $session and $host. No subshells: each would cost as much as a small program.
session() {
	for session in /sys/class/iscsi_session/session*; do
		[ -e "$session" ] && read -r name <"$session/targetname" && [ "$name" = "$iqn" ] || continue
		cd -P "$session/device"
		host=${PWD%/session*}
		host=${host##*/host}
		return 0
	done
	return 1
}

scan() {
	session
	echo "0 0 $lun" >"/sys/class/scsi_host/host$host/scan"
	until for d in "/sys/class/scsi_device/$host:0:0:$lun/device/block"/*; do disk=${d##*/}; done && [ -b "/dev/$disk" ]; do :; done
	sg_inq -p 0x83 "/dev/$disk" >/dev/null
}

remove() {
	session
	for block in "/sys/class/scsi_device/$host:0:0:$lun/device/block"/*; do blockdev --flushbufs "/dev/${block##*/}"; done
	echo 1 >"/sys/class/scsi_device/$host:0:0:$lun/device/delete"
}

case $what in
attach)
	iscsiadm -m node -o new -T "$iqn" -p "$portal" >/dev/null
	iscsiadm -m node -o update -T "$iqn" -p "$portal" -n node.session.scan -v manual
	iscsiadm -m node -T "$iqn" -p "$portal" -l >/dev/null
	scan
	;;
nothing) iscsiadm --version >/dev/null ;;
scan) scan ;;
detach)
	remove
	iscsiadm -m node -T "$iqn" -p "$portal" -u >/dev/null
	iscsiadm -m node -o delete -T "$iqn" -p "$portal" >/dev/null
	;;
unscan) remove ;;
locked-attach)
	# Many run at once: the first process creates the session, under a lock.
	exec 9>"/run/floor.lock"
	flock 9
	if ! session; then
		iscsiadm -m node -o new -T "$iqn" -p "$portal" >/dev/null
		iscsiadm -m node -o update -T "$iqn" -p "$portal" -n node.session.scan -v manual
		iscsiadm -m node -T "$iqn" -p "$portal" -l >/dev/null
	fi
	flock -u 9
	scan
	;;
locked-detach)
	exec 9>"/run/floor.lock"
	flock 9
	remove
	set -- "$session"/device/target*/*:*:*:*
	if [ ! -e "$1" ]; then
		iscsiadm -m node -T "$iqn" -p "$portal" -u >/dev/null
		iscsiadm -m node -o delete -T "$iqn" -p "$portal" >/dev/null
	fi
	;;
esac
ended=$EPOCHREALTIME
echo $(((${ended/./} - ${started/./}) / 1000)).$(((${ended/./} - ${started/./}) % 1000 / 100))
