import { bring } from './bring.mjs'

bring()
