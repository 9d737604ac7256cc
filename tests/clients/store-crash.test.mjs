// SPDX-License-Identifier: MIT
// Whatever moment a server is killed at, what it said is saved is there (support/crash.mjs).
import { test } from 'node:test'

import { crash } from './support/crash.mjs'

test('what was acknowledged outlives 10 kills', { timeout: 200000 }, t => crash(t, 10))
