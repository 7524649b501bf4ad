# The backend, its page and the ingest worker: Bun on Debian. The embedding model is in the repository.
FROM oven/bun:1.4-slim
WORKDIR /mentor

# No GPU package: the llm-service of docker-compose.yml brings its own libraries.
COPY package.json bun.lock bunfig.toml ./
COPY db/patches db/patches
COPY db/lock.ts db/
COPY scripts/install.ts scripts/
COPY scripts/install scripts/install
RUN bun scripts/install.ts "$(cat bun.lock package.json db/patches/* | cksum)"

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
