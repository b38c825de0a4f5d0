import type { LabNode } from '../node/node.ts'

// The card stays up and keeps its addresses; everything that it sends or receives is dropped in its own kernel,
// below every protocol (tc-netem(8), tc-matchall(8)). There is no reset and no unreachable message, only silence,
// as when a switch dies.
const cut = `modprobe -a sch_netem sch_ingress cls_matchall act_gact
tc qdisc replace dev eth0 root netem loss 100%
tc qdisc add dev eth0 ingress
tc filter add dev eth0 parent ffff: matchall action drop`

const joined = `tc qdisc del dev eth0 ingress
tc qdisc del dev eth0 root`

export async function cutNetwork(node: LabNode): Promise<void> {
  await node.sh(cut)
}

export async function joinNetwork(node: LabNode): Promise<void> {
  await node.sh(joined)
}
