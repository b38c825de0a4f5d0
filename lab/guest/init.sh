#!/bin/sh
# The first program of a machine: file systems, modules, network, daemons, then the agent.
# It stays as PID 1 (a shell reaps the orphans it inherits) and powers the machine off when the agent ends,
# which it does when the host's end of the line is closed.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin HOME=/root LANG=C TERM=dumb

# Node's event loop would use io_uring, whose shared memory panics a user-mode 6.12 ("bad pte", [io_uring] mapping).
# The switch is newer than 6.1, where libuv's own variable must do.
export UV_USE_IO_URING=0
[ -e /proc/sys/kernel/io_uring_disabled ] && echo 2 > /proc/sys/kernel/io_uring_disabled

share() { mount -t hostfs -o "$3$LAB_HOSTFS$LAB_AT/$1" none "$2"; }

mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null   # the kernel may have mounted it already
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
for place in /run /tmp /mnt /root /var/lib /var/log /var/tmp /var/cache; do mount -t tmpfs tmpfs "$place"; done
mount -t tmpfs tmpfs /etc
tar -xf /usr/lib/lab/etc.tar -C /etc
mkdir -p /run/lock /run/lab /run/udev /var/lib/iscsi /var/lib/lunkeeper /run/lunkeeper /root

share machine /lab/machine ro,
share node /lab/node ro,
share share /lab/share
share project /lab/project ro,
. /lab/machine/settings

echo "$LAB_NAME" > /proc/sys/kernel/hostname
echo "$LAB_NAME" > /etc/hostname
echo "InitiatorName=$LAB_INITIATOR" > /etc/iscsi/initiatorname.iscsi
ldconfig 2>/dev/null
export PATH=/run/lab/bin:$PATH
mkdir -p /run/lab/bin
cat > /run/lab/bin/lunkeeper <<'END'
#!/bin/sh
export PATH=/lab/node:$PATH
exec /lab/project/bin/lunkeeper "$@"
END
printf '#!/bin/sh\nexec /lab/node/node "$@"\n' > /run/lab/bin/node
chmod 755 /run/lab/bin/*

ip link set lo up
ip addr add 127.0.0.2/8 dev lo
if [ -n "$LAB_ADDRESSES" ]; then
  # Announce the address when the link comes up: a machine that takes over a dead machine's address is found at once.
  echo 1 > /proc/sys/net/ipv4/conf/eth0/arp_notify
  echo 1 > /proc/sys/net/ipv6/conf/eth0/ndisc_notify
  echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad
  for address in $LAB_ADDRESSES; do ip addr add "$address" dev eth0; done
  ip link set eth0 up
fi

modprobe -a $LAB_MODULES
[ -n "$LAB_RESTORE" ] && tar -xf "/lab/share/$LAB_RESTORE" -C /
[ -n "$LAB_SYSTEMD" ] && . /lab/guest/systemd.sh
[ -n "$LAB_UDEV" ] && /usr/lib/systemd/systemd-udevd --daemon
[ -n "$LAB_MULTIPATH_CONF" ] && cp /lab/machine/multipath.conf /etc/multipath.conf
[ -n "$LAB_ISCSID" ] && iscsid
[ -n "$LAB_MULTIPATHD" ] && multipathd

# Raw: what the line carries is JSON, and a terminal's editing would change it.
{ stty raw -echo; /lab/node/node /lab/guest/agent.mjs; } <>/dev/ttyS0 >&0
echo o > /proc/sysrq-trigger
sleep 10
