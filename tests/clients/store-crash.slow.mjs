// SPDX-License-Identifier: MIT
// As store-crash.test.mjs, for longer.
import { test } from 'node:test'

import { crash } from './support/crash.mjs'

test('what was acknowledged outlives 100 kills', { timeout: 800000 }, t => crash(t, 100))
