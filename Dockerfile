# Mentor: backend, page, ingest worker and model service. The embedding model is in the repository.
# For a card: --build-arg BASE=nvidia/cuda:12.9.1-runtime-ubuntu24.04 --build-arg GPU=cuda (docker-compose.yml does it).
ARG BASE=debian:trixie-slim
FROM oven/bun:1.4-slim AS bun
FROM ${BASE}
COPY --from=bun /usr/local/bin/bun /usr/local/bin/bun
RUN useradd --create-home --shell /usr/sbin/nologin mentor
WORKDIR /mentor

COPY package.json bun.lock bunfig.toml ./
COPY db/patches db/patches
COPY db/lock.ts db/
COPY scripts/install.ts scripts/
COPY scripts/install scripts/install
RUN bun scripts/install.ts "$(cat bun.lock package.json db/patches/* | cksum)"

ARG GPU=none
RUN bun scripts/install/gpu.ts "$GPU"

COPY . .
RUN bun web/build.ts && mkdir /data && chown mentor:mentor /data

USER mentor
ENV MENTOR_DATA=/data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD ["bun", "-e", "const r = await fetch('http://127.0.0.1:8000/health'); process.exit(r.ok ? 0 : 1)"]
ENTRYPOINT ["bun", "scripts/mentor.ts"]
CMD ["start"]
