// SPDX-License-Identifier: MIT
// Which figures of bench/load make up the table and the charts: { scenario, figure, label } and
//
//     scale     what the figure is divided by
//     isMore    more is better; else less is
//     wanted    what ysync is to reach
//     chart     the title of its bar chart, if it has one
export const rows = [
  {
    scenario: 'fan-out-100',
    figure: 'deliveries_per_s',
    label: '1 writer, 100 readers, saturated: thousand deliveries/s',
    scale: 1e3,
    isMore: true,
    wanted: '> 3,000',
    chart: 'Updates delivered a second, one writer and 100 readers'
  },
  { scenario: 'fan-out-100', figure: 'cpu_us_per_delivery', label: 'the same: CPU us per delivery' },
  {
    scenario: 'fan-out-1000',
    figure: 'deliveries_per_s',
    label: '1 writer, 1,000 readers, saturated: thousand deliveries/s',
    scale: 1e3,
    isMore: true,
    wanted: '> 2,500'
  },
  { scenario: 'fan-out-1000', figure: 'cpu_us_per_delivery', label: 'the same: CPU us per delivery' },
  {
    scenario: 'steady',
    figure: 'cpu_us_per_delivery',
    label: '100 readers at 100 updates/s: CPU us per delivery',
    wanted: '< 7',
    chart: 'CPU time per delivery at 100 updates a second to 100 readers, in microseconds'
  },
  { scenario: 'steady', figure: 'p50_ms', label: 'the same: median latency, ms', wanted: '< 0.6' },
  { scenario: 'steady', figure: 'p99_ms', label: 'the same: 99 % below, ms', wanted: '< 3' },
  {
    scenario: 'rooms',
    figure: 'cpu_us_per_update',
    label: '500 rooms of 2, 2 updates/s each: CPU us per update',
    wanted: '< 25'
  },
  {
    scenario: 'rooms-saturated',
    figure: 'updates_per_s',
    label: '500 rooms of 2, saturated: thousand updates/s',
    scale: 1e3,
    isMore: true,
    wanted: '> 70',
    chart: 'Updates a second in 500 rooms of two'
  },
  { scenario: 'rooms-saturated', figure: 'cpu_us_per_update', label: 'the same: CPU us per update' },
  {
    scenario: 'presence',
    figure: 'deliveries_per_s',
    label: 'presence of 100 clients, saturated: thousand deliveries/s',
    scale: 1e3,
    isMore: true,
    wanted: '> 2,000'
  },
  { scenario: 'presence', figure: 'cpu_us_per_delivery', label: 'the same: CPU us per delivery' },
  {
    scenario: 'joins',
    figure: 'joins_per_s',
    label: 'joins to a 311 kB document, 16 at a time: joins/s',
    isMore: true,
    wanted: '> 2,500',
    chart: 'Clients a second that join a document of 311 kB'
  },
  { scenario: 'joins', figure: 'cpu_us_per_join', label: 'the same: CPU us per join' },
  { scenario: 'join', figure: 'p50_ms', label: 'the same, one at a time: median, ms', wanted: '< 0.5' },
  { scenario: 'join', figure: 'p99_ms', label: 'the same, one at a time: 99 % below, ms', wanted: '< 2' },
  {
    scenario: 'idle',
    figure: 'bytes_per_connection',
    label: 'an idle connection with its own room: kB',
    scale: 1e3,
    wanted: '< 1.5',
    chart: 'Memory of an idle connection with a room of its own, in bytes'
  },
  {
    scenario: 'documents',
    figure: 'mb_per_document',
    label: 'a loaded document of 311 kB: MB',
    wanted: '< 0.24',
    chart: 'Memory of a loaded document of 311 kB, in bytes'
  },
  { scenario: 'empty', figure: 'resident_mb', label: 'an empty server: MB', wanted: '< 5' },
  { scenario: 'evictions', figure: 'growth_mb', label: '60 documents come and go: growth in 2 more rounds, MB', wanted: '< 5' },
  { scenario: 'greedy', figure: 'growth_mb', label: '2,000 requests of 311 kB, none read: growth, MB', wanted: '< 2' }
]

export const scenarios = [...new Set(rows.map(({ scenario }) => scenario))]
