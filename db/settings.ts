/**
 * Settings of every session, as Postgres names them. On a server each connection asks for them; on the embedded
 * database, where all clients share one session, its process sets them once.
 */
export const sessionSettings = {
  // Go on through the index until enough rows passed the filter: without it 1 % of the rows gave 0.7 of 10.
  'hnsw.iterative_scan': 'relaxed_order',
  // As many as are asked for, so that an unfiltered question needs one pass.
  'hnsw.ef_search': 100,
  // Planning a search takes 1 to 2 ms each time, and the plan would be the same: what decides it stands in the
  // statement as literals.
  plan_cache_mode: 'force_generic_plan',
  // Compiling a search takes longer than any search.
  jit: 'off',
} as const
