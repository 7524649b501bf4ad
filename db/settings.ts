/**
 * Settings of every session, as Postgres names them. On a server each connection asks for them; on the embedded
 * database, where all clients share one session, its process sets them once.
 */
export const sessionSettings = {
  // Go on through the index until enough rows passed the filter: without it 1 % of the rows gave 0.7 of 10.
  'hnsw.iterative_scan': 'relaxed_order',
  // As many as are asked for, so that an unfiltered question needs one pass.
  'hnsw.ef_search': 100,
  // Compiling a search, or starting workers for it, takes longer than any search.
  jit: 'off',
  // Text: postgres.js leaves a setting of 0 out.
  max_parallel_workers_per_gather: '0',
} as const

/**
 * On the embedded database planning a search takes 2 ms each time, for the same plan. On a server it takes 1 ms, and
 * the plan for a small collection differs from that for a large one.
 */
export const embeddedSettings = { ...sessionSettings, plan_cache_mode: 'force_generic_plan' } as const
