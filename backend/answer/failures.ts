/** How a rung can fail once it was asked. `RungUnavailable` (types.ts) says that it could not be asked at all. */
import { RungUnavailable } from './types.ts'

/** The rung is well but cannot take this question now: it is busy, loading, or the question does not fit. No breaker counts it. */
export class RungDeclined extends RungUnavailable {}

/** The rung answered, but not with something that can be used. The ladder goes on to the next one. */
export class RungFailed extends Error {
  override readonly name = 'RungFailed'
  constructor(readonly reason: string) {
    super(reason)
  }
}

/** The rung works, but nothing of what it wrote rests on the passages. The ladder goes on to the next one. */
export class AnswerUnusable extends Error {
  override readonly name = 'AnswerUnusable'
  constructor(readonly reason: string) {
    super(reason)
  }
}

/** The rung took too long over its first text. The ladder goes on to the next one. */
export class RungTimeout extends Error {
  override readonly name = 'RungTimeout'
  constructor(readonly reason: string) {
    super(reason)
  }
}

/** The rung stopped after its first text: the answer ends there, no other rung may go on with it. */
export class AnswerBrokeOff extends Error {
  override readonly name = 'AnswerBrokeOff'
  constructor(
    readonly code: 'model_timeout' | 'model_failed',
    readonly reason: string,
  ) {
    super(reason)
  }
}
