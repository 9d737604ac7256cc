// SPDX-License-Identifier: MIT
// Which figures of bench/store.mjs make up its tables, and in which scenarios of bench/load they are found: as in figures.mjs;
//
//     isOursAlone    peers have no such figure
//     isNeutral      neither more nor less is better: who does not sync writes less
//     isWindow       it may have been longer than was measured

/* Updates a second that are on the disk. */
export const durableRows = [
  { scenario: 'wait-1', label: '1 writer, waits for each: updates/s' },
  { scenario: 'wait-10', label: '10 writers, wait for each: updates/s' },
  { scenario: 'wait-100', label: '100 writers, wait for each: updates/s' },
  { scenario: 'wait-100-together', label: '100 writers in one room, wait for each: updates/s' },
  { scenario: 'pour-1', label: '1 writer, does not wait: updates/s' },
  { scenario: 'pour-10', label: '10 writers, do not wait: updates/s' },
  { scenario: 'pour-100', label: '100 writers, do not wait: updates/s' }
]

export const otherRows = [
  {
    scenario: 'wait-1',
    figure: 'p50_ms',
    label: '1 writer: until it hears that an update is kept, median, ms',
    isOursAlone: true
  },
  { scenario: 'wait-1', figure: 'p99_ms', label: 'the same: 99 % below, ms', isOursAlone: true },
  { scenario: 'wait-100', figure: 'p50_ms', label: '100 writers: median, ms', isOursAlone: true },
  { scenario: 'wait-100', figure: 'p99_ms', label: 'the same: 99 % below, ms', isOursAlone: true },
  { scenario: 'wait-1', figure: 'window_s', label: 'what a power cut may take, at worst: s', isWindow: true },
  { scenario: 'wait-1', figure: 'syncs_per_s', label: '1 writer, waits: syncs of files/s', isNeutral: true },
  { scenario: 'pour-100', figure: 'syncs_per_s', label: '100 writers, do not wait: syncs of files/s', isNeutral: true },
  {
    scenario: 'wait-1',
    figure: 'written_bytes_per_update',
    label: '1 writer, waits: bytes written an update',
    isNeutral: true
  },
  {
    scenario: 'wait-100',
    figure: 'written_bytes_per_update',
    label: '100 writers, wait: bytes written an update',
    isNeutral: true
  },
  {
    scenario: 'pour-100',
    figure: 'written_bytes_per_update',
    label: '100 writers, do not wait: bytes written an update',
    isNeutral: true
  },
  { scenario: 'open', figure: 'p50_ms', label: 'first client of a stored document of 311 kB: median, ms' },
  { scenario: 'open', figure: 'p99_ms', label: 'the same: 99 % below, ms' },
  { scenario: 'open', figure: 'cpu_ms', label: 'the same: CPU ms of the server' },
  { scenario: 'session', figure: 'seconds', label: 'that document as it was edited, 259,778 updates: s' },
  { scenario: 'session', figure: 'disk_bytes', label: 'the same: kB on the disk afterwards', scale: 1e3 },
  { scenario: 'session', figure: 'written_bytes_per_edit', label: 'the same: bytes written an update', isNeutral: true },
  { scenario: 'session', figure: 'opened_ms', label: 'the same: its first client after a restart, ms' }
]

/* Without a store and with one. */
export const offOnRows = [
  { scenario: 'empty', figure: 'resident_mb', label: 'an empty server: MB' },
  { scenario: 'fan-out-100', figure: 'cpu_us_per_delivery', label: '1 writer, 100 readers, saturated: CPU us per delivery' },
  { scenario: 'fan-out-100', figure: 'deliveries_per_s', label: 'the same: thousand deliveries/s', scale: 1e3 },
  { scenario: 'steady', figure: 'cpu_us_per_delivery', label: '100 readers at 100 updates/s: CPU us per delivery' },
  { scenario: 'steady', figure: 'p50_ms', label: 'the same: median latency, ms' }
]

export const scenarios = {
  durable: durableRows.map(({ scenario }) => scenario),
  open: ['open'],
  session: ['session'],
  cost: [...new Set(offOnRows.map(({ scenario }) => scenario))]
}
