/** How the server's process ends, for whoever started it. */
export const exitCodes = { done: 0, broken: 1, anotherServes: 3, refused: 4 } as const
