// SPDX-License-Identifier: MIT
// The document against Yjs 13 (support/play.mjs).
import { test } from 'node:test'

import { yjs13 } from './support/history.mjs'
import { playRooms, roundsOr } from './support/play.mjs'

const { rounds, timeout } = roundsOr(200)

test('random histories end as they end in Yjs 13', { timeout }, t => playRooms(t, [yjs13], rounds))
