// LIO by configfs: one call of the lab makes a whole target or hundreds of LUNs.
// Layout and order: Documentation/target/tcmu-design.rst and drivers/target/target_core_configfs.c of the kernel.
import fs from 'node:fs'
import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'

const base = '/sys/kernel/config/target'
const fileio = `${base}/core/fileio_0`
const portalGroup = (iqn) => `${base}/iscsi/${iqn}/tpgt_1`

function put(path, value) {
  fs.writeFileSync(path, String(value))
}

/** Modules and configfs, when the first target is made: a machine without targets boots quicker. */
function ready() {
  if (fs.existsSync(`${base}/iscsi`)) return
  execFileSync('modprobe', ['-a', 'configfs', 'target_core_mod', 'target_core_file', 'iscsi_target_mod'])
  if (!fs.existsSync('/sys/kernel/config/target'))
    execFileSync('mount', ['-t', 'configfs', 'configfs', '/sys/kernel/config'])
  fs.mkdirSync(`${base}/iscsi`, { recursive: true })
  // who asks for targets without a login gets the list, as with targetcli's default
  put(`${base}/iscsi/discovery_auth/enforce_discovery_auth`, 0)
}

/** CHAP names and passwords of a portal group or of one initiator: the same four files in both places. */
function credentials(dir, { chap, mutual }) {
  if (chap) {
    put(`${dir}/auth/userid`, chap.user)
    put(`${dir}/auth/password`, chap.password)
  }
  if (mutual) {
    put(`${dir}/auth/userid_mutual`, mutual.user)
    put(`${dir}/auth/password_mutual`, mutual.password)
  }
}

/**
 * LIO takes the portal group's lock interruptibly and answers EINVAL when a signal comes meanwhile
 * (lio_target_call_addnptotpg in drivers/target/iscsi/iscsi_target_configfs.c): a program of ours that ends is one.
 */
function addPortal(tpg, portal) {
  for (let attempts = 5; ; attempts--)
    try {
      return fs.mkdirSync(`${tpg}/np/${portal}`)
    } catch (error) {
      if (error.code !== 'EINVAL' || attempts === 1) throw error
    }
}

function make({ iqn, portals, chap, mutual, acls, writeProtect }) {
  ready()
  const tpg = portalGroup(iqn)
  fs.mkdirSync(`${base}/iscsi/${iqn}`)
  fs.mkdirSync(tpg)
  for (const portal of portals) addPortal(tpg, portal)
  const open = acls === undefined
  put(`${tpg}/attrib/authentication`, chap || acls?.some((acl) => acl.chap) ? 1 : 0)
  put(`${tpg}/attrib/generate_node_acls`, open ? 1 : 0)
  put(`${tpg}/attrib/cache_dynamic_acls`, open ? 1 : 0)
  put(`${tpg}/attrib/demo_mode_write_protect`, writeProtect ? 1 : 0)
  credentials(tpg, { chap, mutual })
  for (const acl of acls ?? []) {
    fs.mkdirSync(`${tpg}/acls/${acl.initiator}`)
    credentials(`${tpg}/acls/${acl.initiator}`, acl)
  }
  put(`${tpg}/enable`, 1)
}

function map({ iqn, luns }) {
  const tpg = portalGroup(iqn)
  const initiators = fs
    .readdirSync(`${tpg}/acls`)
    .filter((name) => !fs.existsSync(`${tpg}/acls/${name}/fake`))
  const explicit = fs.readFileSync(`${tpg}/attrib/generate_node_acls`, 'utf8').trim() === '0'
  for (const { lun, name, file, bytes, serial, writeCache, readOnly, restoreRegistrations } of luns) {
    const store = `${fileio}/${name}`
    if (!fs.existsSync(store)) {
      fs.mkdirSync(dirname(file), { recursive: true })
      const fd = fs.openSync(file, 'a')
      if (fs.fstatSync(fd).size < bytes) fs.ftruncateSync(fd, bytes)
      fs.closeSync(fd)
      fs.mkdirSync(store, { recursive: true })
      put(
        `${store}/control`,
        `fd_dev_name=${file},fd_dev_size=${bytes}${writeCache ? ',fd_buffered_io=1' : ''}`,
      )
      if (serial !== undefined) put(`${store}/wwn/vpd_unit_serial`, serial)
      put(`${store}/enable`, 1)
      if (restoreRegistrations) restore(store, serial)
    }
    const dir = `${tpg}/lun/lun_${lun}`
    fs.mkdirSync(dir)
    fs.symlinkSync(store, `${dir}/store`)
    storeOf.set(dir, store)
    if (!explicit) continue
    for (const initiator of initiators) {
      const mapped = `${tpg}/acls/${initiator}/lun_${lun}`
      fs.mkdirSync(mapped)
      fs.symlinkSync(dir, `${mapped}/lun`)
      put(`${mapped}/write_protect`, readOnly ? 1 : 0)
    }
  }
}

/**
 * One line for each registration of the file that the kernel has written, before the backstore is exported
 * (drivers/target/target_core_configfs.c:target_pr_res_aptpl_metadata_store).
 */
function restore(store, serial) {
  const kept = `/etc/target/pr/aptpl_${serial}`
  if (!fs.existsSync(kept)) return
  const text = fs.readFileSync(kept, 'utf8')
  for (const [, lines] of text.matchAll(/^PR_REG_START: \d+\n([^]*?)^PR_REG_END/gm))
    put(`${store}/pr/res_aptpl_metadata`, lines.trim().replaceAll('\n', ','))
}

/** Takes a LUN from the target; its backstore goes, too, when no other LUN uses it. The file stays unless asked. */
function unmap({ iqn, luns, keepStore, removeFile }) {
  const tpg = portalGroup(iqn)
  for (const lun of luns) {
    const stores = removeLun(tpg, lun)
    if (!keepStore) for (const store of stores) removeStore(store, removeFile)
  }
}

/**
 * By directory of a LUN. The text of its link is not read: after registrations were restored, Linux 6.1 has answered
 * with an initiator's name in its place.
 */
const storeOf = new Map()

function removeLun(tpg, lun) {
  for (const initiator of fs.readdirSync(`${tpg}/acls`)) {
    const mapped = `${tpg}/acls/${initiator}/lun_${lun}`
    if (fs.existsSync(mapped)) removeMapped(mapped)
  }
  const dir = `${tpg}/lun/lun_${lun}`
  const stores = storeOf.has(dir) ? [storeOf.get(dir)] : []
  for (const link of linksIn(dir)) {
    // Another program made it. A configfs link is relative, and the core knows the backstore by the link's target.
    if (stores.length === 0) stores.push(fs.realpathSync(join(dir, link)))
    fs.unlinkSync(join(dir, link))
  }
  storeOf.delete(dir)
  fs.rmdirSync(dir)
  return stores
}

function removeMapped(mapped) {
  for (const link of linksIn(mapped)) fs.unlinkSync(join(mapped, link))
  fs.rmdirSync(mapped)
}

function linksIn(dir) {
  return fs
    .readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isSymbolicLink())
    .map((entry) => entry.name)
}

function removeStore(store, removeFile) {
  const file = /File: (\S+)/.exec(fs.readFileSync(`${store}/info`, 'utf8'))?.[1]
  try {
    fs.rmdirSync(store)
  } catch (error) {
    if (error.code === 'EBUSY' || error.code === 'ENOTEMPTY') return
    throw error
  }
  if (removeFile && file) fs.rmSync(file, { force: true })
}

function remove({ iqn, removeFiles }) {
  const tpg = portalGroup(iqn)
  if (!fs.existsSync(tpg)) return
  put(`${tpg}/enable`, 0)
  const stores = new Set()
  for (const name of fs.readdirSync(`${tpg}/lun`))
    for (const store of removeLun(tpg, name.slice('lun_'.length))) stores.add(store)
  for (const initiator of fs.readdirSync(`${tpg}/acls`)) fs.rmdirSync(`${tpg}/acls/${initiator}`)
  for (const portal of fs.readdirSync(`${tpg}/np`)) fs.rmdirSync(`${tpg}/np/${portal}`)
  fs.rmdirSync(tpg)
  fs.rmdirSync(`${base}/iscsi/${iqn}`)
  for (const store of stores) removeStore(store, removeFiles)
}

function targets() {
  if (!fs.existsSync(`${base}/iscsi`)) return []
  return fs.readdirSync(`${base}/iscsi`).filter((name) => /^(?:iqn|eui|naa)\./.test(name))
}

export const lioOps = {
  'lio.make': make,
  'lio.map': map,
  'lio.unmap': unmap,
  'lio.remove': remove,
  'lio.targets': targets,
  'lio.enable': ({ iqn, on }) => put(`${portalGroup(iqn)}/enable`, on ? 1 : 0),
  /** new size as the initiator will see it at its next READ CAPACITY; the file grows with it and never shrinks */
  'lio.resize': ({ name, file, bytes }) => {
    if (fs.statSync(file).size < bytes) fs.truncateSync(file, bytes)
    put(`${fileio}/${name}/control`, `fd_dev_size=${bytes}`)
  },
  'lio.reservations': ({ name, on }) => put(`${fileio}/${name}/attrib/emulate_pr`, on ? 1 : 0),
  'lio.portal': ({ iqn, portal, on }) =>
    on ? addPortal(portalGroup(iqn), portal) : fs.rmdirSync(`${portalGroup(iqn)}/np/${portal}`),
  'lio.credentials': ({ iqn, chap, mutual }) => {
    put(`${portalGroup(iqn)}/attrib/authentication`, chap ? 1 : 0)
    credentials(portalGroup(iqn), { chap, mutual })
  },
  'lio.clear': ({ removeFiles }) => {
    for (const iqn of targets()) remove({ iqn, removeFiles })
    if (fs.existsSync(fileio))
      for (const name of fs.readdirSync(fileio))
        if (name !== 'hba_info' && name !== 'hba_mode') removeStore(`${fileio}/${name}`, removeFiles)
  },
}
