# Continues as a machine whose first program is systemd: read by init.sh, when LAB_SYSTEMD is set.
units=/etc/systemd/system
mount -t tmpfs tmpfs /usr/local
mkdir -p /usr/local/sbin "$units" /etc/systemd/system.conf.d /etc/systemd/journald.conf.d
cp /run/lab/bin/lunkeeper /usr/local/sbin/lunkeeper
echo 0123456789abcdef0123456789abcdef > /etc/machine-id
[ -n "$LAB_MULTIPATH_CONF" ] && cp /lab/machine/multipath.conf /etc/multipath.conf

enable() { mkdir -p "$units/$2.wants" && ln -sf "/usr/lib/systemd/system/$1" "$units/$2.wants/$1"; }
# As the postinst of Debian's packages does it: iscsid is started by its socket.
[ -n "$LAB_ISCSID" ] && enable iscsid.socket sockets.target && enable open-iscsi.service sysinit.target
[ -n "$LAB_MULTIPATHD" ] && enable multipathd.socket sockets.target && enable multipathd.service sysinit.target
# There is no user to log in and no clock to set, and udev would take 2 s to process all 250 terminals.
for unit in getty.target console-getty.service systemd-logind.service systemd-timesyncd.service \
  systemd-udev-trigger.service proc-sys-fs-binfmt_misc.automount systemd-binfmt.service; do
  ln -sf /dev/null "$units/$unit"
done
[ -n "$LAB_UDEV" ] || ln -sf /dev/null "$units/systemd-udevd.service"

# What systemd and services say is on the console too, which is left when a machine hangs.
cat > /etc/systemd/system.conf.d/lab.conf <<END
[Manager]
DefaultEnvironment="PATH=$PATH" HOME=/root LANG=C TERM=dumb UV_USE_IO_URING=0
LogTarget=kmsg
ShowStatus=no
END
cat > /etc/systemd/journald.conf.d/lab.conf <<'END'
[Journal]
Storage=volatile
ForwardToConsole=yes
END

# The lab's agent outlives a shutdown's services: it is stopped by nothing but the last kill of all that is left.
cat > "$units/lab-agent.service" <<'END'
[Unit]
DefaultDependencies=no
IgnoreOnIsolate=yes
After=systemd-udevd.service

[Service]
ExecStart=/bin/sh -c '{ stty raw -echo; exec /lab/node/node /lab/guest/agent.mjs; } <>/dev/ttyS0 >&0'
KillMode=process
END
cat > "$units/lab.target" <<'END'
[Unit]
Requires=basic.target
Wants=lab-agent.service multi-user.target
AllowIsolate=yes
END
ln -sf lab.target "$units/default.target"
exec /usr/lib/systemd/systemd
