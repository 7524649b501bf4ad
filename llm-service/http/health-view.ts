import type { EngineInfo, WorkerHealth } from '../types.ts'
import type { Served } from './served.ts'
import type { ServiceHealthView } from './shapes.ts'

export function healthView({ service, embed, settings }: Served): ServiceHealthView {
  const { state, reason, workers, queue } = service.health()
  const ready = workers.filter((one) => one.state === 'ready')
  const infos = ready.flatMap(({ info }) => (info === null ? [] : [info]))
  const sum = (of: (worker: WorkerHealth) => number | undefined) =>
    workers.reduce((total, worker) => total + (of(worker) ?? 0), 0)
  return {
    status: state,
    model: service.model,
    model_loaded: ready.length > 0,
    embedding_model: embed?.model.name ?? null,
    embedding_loaded: embed !== null && embed.stats().workers > 0,
    device: infos[0]?.device ?? null,
    reason,
    version: settings.version,
    context_tokens: contextTokens(infos),
    layers: infos[0] === undefined ? null : layersOf(infos[0]),
    memory: {
      ram_bytes: sum(({ info }) => info?.memory.ram),
      vram_bytes: sum(({ info }) => info?.memory.vram),
    },
    queue: {
      active: queue.active,
      waiting: queue.waiting,
      waiting_tokens: queue.waitingTokens,
      capacity: queue.capacity,
    },
    tokens_per_second: {
      prompt: sum(({ stats }) => stats?.promptTokensPerSecond),
      generation: sum(({ stats }) => stats?.tokensPerSecond),
    },
    totals: {
      requests: sum(({ stats }) => stats?.requests),
      prompt_tokens: sum(({ stats }) => stats?.promptTokens),
      cached_tokens: sum(({ stats }) => stats?.cachedTokens),
      completion_tokens: sum(({ stats }) => stats?.completionTokens),
    },
    adapters: service.adapters().filter(({ problem }) => problem === null).length,
    workers: workers.map(workerView),
  }
}

/** What every worker takes; null while none is loaded. */
export function contextTokens(infos: EngineInfo[]): number | null {
  return infos.length === 0 ? null : Math.min(...infos.map((info) => info.contextTokens))
}

const layersOf = ({ gpuLayers, layers }: EngineInfo) => ({ gpu: gpuLayers, total: layers })

function workerView(worker: WorkerHealth): ServiceHealthView['workers'][number] {
  const { pid, state, reason, loaded, restarts, rssBytes, info, stats } = worker
  return {
    pid,
    state,
    reason,
    loaded,
    restarts,
    rss_bytes: rssBytes,
    device: info?.device ?? null,
    device_name: info?.deviceName ?? null,
    layers: info === null ? null : layersOf(info),
    memory: info === null ? null : { ram_bytes: info.memory.ram, vram_bytes: info.memory.vram },
    slots: info?.slots ?? null,
    threads: info?.threads ?? null,
    active: stats?.active ?? 0,
    waiting: stats?.waiting ?? 0,
    tokens_per_second: {
      prompt: stats?.promptTokensPerSecond ?? 0,
      generation: stats?.tokensPerSecond ?? 0,
    },
  }
}
