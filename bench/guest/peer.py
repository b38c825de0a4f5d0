"""os-brick as a resident process: reads `attach LUN` and `detach LUN`, answers with milliseconds."""

import sys
import time

from oslo_concurrency import lockutils
from oslo_config import cfg

import os_brick
import os_brick.privileged
from os_brick.initiator import connector

os_brick.privileged.default.set_client_mode(False)
CONF = cfg.CONF
CONF([])
os_brick.setup(CONF)
CONF.set_override("lock_path", "/run/os-brick", "os_brick")
lockutils.set_defaults("/run/os-brick")
IQN, PORTAL = sys.argv[1], sys.argv[2]
kept = {}
brick = connector.InitiatorConnector.factory("ISCSI", "", use_multipath=False, device_scan_attempts=3)
print("ready", flush=True)
for line in sys.stdin:
    what, lun = line.split()
    properties = {"target_iqn": IQN, "target_portal": PORTAL, "target_lun": int(lun)}
    started = time.monotonic()
    try:
        if what == "attach":
            kept[lun] = brick.connect_volume(properties)
        else:
            brick.disconnect_volume(properties, kept.pop(lun))
        print(f"{(time.monotonic() - started) * 1000:.1f}", flush=True)
    except Exception as error:  # A failure is a result here.
        print(f"failed {error!r}", flush=True)
