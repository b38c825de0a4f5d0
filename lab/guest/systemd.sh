# Hands over to systemd, with the lab's agent as one of its services: that one ends last.
[ -n "$LAB_MULTIPATH_CONF" ] && cp /lab/machine/multipath.conf /etc/multipath.conf
mkdir -p /usr/local/sbin /etc/systemd/system /etc/systemd/system.conf.d
cp /run/lab/bin/lunkeeper /usr/local/sbin/lunkeeper
echo 0123456789abcdef0123456789abcdef > /etc/machine-id
cat > /etc/systemd/system.conf.d/lab.conf <<END
[Manager]
DefaultEnvironment="PATH=$PATH" HOME=/root LANG=C TERM=dumb UV_USE_IO_URING=0
LogTarget=kmsg
ShowStatus=no
END
cat > /etc/systemd/system/lab-agent.service <<'END'
[Unit]
DefaultDependencies=no
IgnoreOnIsolate=yes
After=systemd-udevd.service
[Service]
ExecStart=/bin/sh -c '{ stty raw -echo; exec /lab/node/node /lab/guest/agent.mjs; } <>/dev/ttyS0 >&0'
KillMode=process
Restart=no
END
cat > /etc/systemd/system/lab.target <<'END'
[Unit]
Requires=basic.target
Wants=lab-agent.service multi-user.target
AllowIsolate=yes
END
ln -sf lab.target /etc/systemd/system/default.target
# No terminals; nobody types here.
for unit in getty.target serial-getty@ttyS0.service console-getty.service systemd-journald.service systemd-journald.socket \
  systemd-journald-dev-log.socket systemd-journald-audit.socket systemd-journal-flush.service systemd-timesyncd.service; do
  ln -sf /dev/null "/etc/systemd/system/$unit"
done
exec /usr/lib/systemd/systemd
