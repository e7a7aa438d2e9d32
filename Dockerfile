# syntax=docker/dockerfile:1
#
#   docker buildx build --platform linux/amd64,linux/arm64 -t REGISTRY/bkrepo-replicator:VERSION .
#
# The final stage has Node, the program and its dependencies, and no shell or package manager. It runs as user 65532, writes
# nothing below its root, and is meant for `readOnlyRootFilesystem: true`; for temporary files it wants a volume at /tmp.
# It has no HEALTHCHECK: Kubernetes asks /healthz and /readyz (deploy/).

# Where the bases come from; for mirrors.
ARG BUILD_BASE=node:24-slim
ARG BASE=gcr.io/distroless/nodejs24-debian13:nonroot

# What is built is the same for every platform: JavaScript without native modules.
FROM --platform=$BUILDPLATFORM ${BUILD_BASE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json LICENSE ./
COPY deploy/image deploy/image
COPY src src
RUN ["node", "deploy/image/stage.ts", "/app"]

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="bkrepo-replicator" \
      org.opencontainers.image.description="Kubernetes operator that replicates bk-repo artifact repositories declaratively" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
ENV NODE_ENV=production
COPY --from=build --chown=0:0 /app /app
USER 65532:65532
EXPOSE 9440
ENTRYPOINT ["/nodejs/bin/node", "--max-old-space-size=512", "--max-semi-space-size=16", "/app/dist/main.js"]
CMD ["operator"]
