// Runs in a machine of the lab: prints, one line for each file, the parts of /sys and /proc that
// src/host/read looks at. The format is that of tree.ts.
import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'

// What the readers read, and a few neighbours that they must not fall for.
const ATTRIBUTES = new Set(
  'targetname state recovery_tmo target_id ifacename address port persistent_address persistent_port type wwid dev size ro partition name uuid suspended errors_count warning_count vendor model'.split(
    ' ',
  ),
)
const PAGES = new Set(['vpd_pg80', 'vpd_pg83'])
// Their names are kept, what is in them is of no use here.
const CLOSED = new Set('power queue mq trace integrity bdi iosched bsg statistics'.split(' '))
const COMMANDS = new Set(['sleep', 'my-sleep', 'iscsid', 'multipathd', 'kthreadd'])

// The file descriptors and mappings of programs are left out, unless PROCESSES=yes.
const withProcesses = process.env.PROCESSES === 'yes'
const lines = []
const put = (path, rest) => lines.push(`${path.slice(1)}${rest}`)
const names = (directory) => attempt(() => readdirSync(directory)) ?? []

function attempt(read) {
  try {
    return read()
  } catch {
    return null
  }
}

function file(path, change = (text) => text) {
  try {
    const bytes = readFileSync(path)
    put(
      path,
      PAGES.has(path.split('/').at(-1))
        ? ` # ${bytes.toString('hex')}`
        : ` = ${JSON.stringify(change(bytes.toString()))}`,
    )
  } catch (error) {
    put(path, ` ! ${error.code}`)
  }
}

function link(path) {
  const target = attempt(() => readlinkSync(path))
  if (target !== null) put(path, ` -> ${target}`)
}

function tree(directory) {
  if (names(directory).length === 0) put(directory, '/')
  for (const name of names(directory)) {
    const path = `${directory}/${name}`
    const kind = attempt(() => lstatSync(path))
    if (kind?.isSymbolicLink()) {
      if (['device', 'holders', 'slaves'].includes(name) || /\/(holders|slaves)$/.test(directory)) link(path)
    } else if (kind?.isDirectory()) {
      if (CLOSED.has(name)) put(path, '/')
      else tree(path)
    } else if (ATTRIBUTES.has(name) || PAGES.has(name)) file(path)
  }
}

const links = (directory, wanted = /./) => {
  for (const name of names(directory)) if (wanted.test(name)) link(`${directory}/${name}`)
}
const hostfsAside = (table) => table.replace(/( - hostfs \S+ [^,\n]*)[^\n]*/g, '$1')

for (const name of ['iscsi_session', 'iscsi_connection', 'iscsi_transport']) links(`/sys/class/${name}`)
for (const directory of ['/sys/class/block', '/sys/block']) links(directory, /^(sd|dm-)/)
links('/sys/bus/scsi/devices', /^\d/)
for (const host of names('/sys/devices/platform').filter((name) => /^host\d/.test(name)))
  for (const session of names(`/sys/devices/platform/${host}`).filter((name) => name.startsWith('session')))
    tree(`/sys/devices/platform/${host}/${session}`)
for (const map of names('/sys/devices/virtual/block').filter((name) => name.startsWith('dm-')))
  tree(`/sys/devices/virtual/block/${map}`)
for (const fs of ['ext4', 'xfs'])
  for (const device of names(`/sys/fs/${fs}`)) {
    put(`/sys/fs/${fs}/${device}`, '/')
    for (const counter of ['errors_count', 'warning_count'])
      if (names(`/sys/fs/${fs}/${device}`).includes(counter)) file(`/sys/fs/${fs}/${device}/${counter}`)
  }

file('/proc/sys/kernel/osrelease')
file('/etc/iscsi/initiatorname.iscsi')
put('/proc/self', ' -> 999999')
for (const name of ['net/unix', 'net/netlink']) file(`/proc/1/${name}`)
file('/proc/1/mountinfo', hostfsAside)
link('/proc/1/ns/mnt')
const home = attempt(() => readlinkSync('/proc/1/ns/mnt'))
for (const pid of names('/proc').filter((name) => /^\d+$/.test(name) && name !== '1')) {
  const directory = `/proc/${pid}`
  const command = attempt(() => readFileSync(`${directory}/comm`, 'utf8'))?.trim()
  if (!withProcesses || !COMMANDS.has(command)) continue
  file(`${directory}/comm`)
  for (const name of ['cwd', 'root', 'exe', 'ns/mnt']) link(`${directory}/${name}`)
  if (names(`${directory}/fd`).length === 0) put(`${directory}/fd`, '/')
  links(`${directory}/fd`)
  for (const thread of names(`${directory}/task`)) file(`${directory}/task/${thread}/stat`)
  // The C library's lines are of no interest, those of other disks are.
  file(`${directory}/maps`, (maps) =>
    maps
      .split('\n')
      .filter((line, at) => at < 3 || !/ 00:[0-9a-f]+ /.test(line))
      .join('\n'),
  )
  if (attempt(() => readlinkSync(`${directory}/ns/mnt`)) !== home) file(`${directory}/mountinfo`, hostfsAside)
}
process.stdout.write(`${lines.join('\n')}\n`)
