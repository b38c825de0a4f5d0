export type { WriteProof } from './issue.ts'
