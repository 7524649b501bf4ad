# The backend, its page and the ingest worker: Bun on Debian. The embedding model is in the repository.
FROM oven/bun:1.4-slim
WORKDIR /mentor

COPY package.json bun.lock bunfig.toml ./
COPY db/patches db/patches
RUN bun install --frozen-lockfile --production --ignore-scripts

COPY . .
RUN bun web/build.ts && mkdir /data && chown bun:bun /data

USER bun
ENV MENTOR_DATA=/data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD ["bun", "-e", "const r = await fetch('http://127.0.0.1:8000/health'); process.exit(r.ok ? 0 : 1)"]
ENTRYPOINT ["bun", "scripts/mentor.ts"]
CMD ["start"]
