# syntax=docker/dockerfile:1
# The image links Debian's GPL-built FFmpeg; see README.md, Licences, before you pass it on.

FROM node:20-bookworm-slim AS console
WORKDIR /src/web/console
COPY web/console/package.json web/console/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web/openapi.json /src/web/openapi.json
COPY web/console ./
RUN npm run build
COPY scripts/onnxruntime.sh /src/scripts/onnxruntime.sh
RUN XDG_CACHE_HOME=/out bash /src/scripts/onnxruntime.sh

FROM golang:1.26-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
      pkg-config g++ libopencv-dev libavcodec-dev libavformat-dev libavutil-dev libswscale-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=console /src/web/console/dist web/console/dist
ARG VERSION=dev
RUN go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/vedette ./cmd/vedette \
    # dpkg knows libraries by their real paths; /lib is a link to /usr/lib.
    && ldd /out/vedette | awk '$3 ~ /libopencv|libav|libsw/ {print $3}' | xargs -n1 realpath | xargs -n1 dpkg -S \
       | cut -d: -f1 | sort -u > /out/runtime-packages \
    && test -s /out/runtime-packages

FROM debian:bookworm-slim
COPY --from=build /out/runtime-packages /tmp/runtime-packages
RUN apt-get update && xargs -a /tmp/runtime-packages apt-get install -y --no-install-recommends ca-certificates tzdata \
    && rm -rf /var/lib/apt/lists/* /tmp/runtime-packages \
    && useradd --system --uid 10001 --home-dir /var/lib/vedette --shell /usr/sbin/nologin vedette \
    && install -d -o vedette -g vedette -m 0700 /var/lib/vedette
COPY --from=build /out/vedette /usr/local/bin/vedette
COPY --from=console /out/vedette/libonnxruntime.so.1.30.0 /usr/local/lib/libonnxruntime.so.1.30.0
ENV VEDETTE_ONNXRUNTIME=/usr/local/lib/libonnxruntime.so.1.30.0
USER vedette
# Configuration, evidence and records, weights of the object detector.
VOLUME ["/etc/vedette", "/var/lib/vedette", "/usr/share/vedette/models"]
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["vedette"]
CMD ["run", "-c", "/etc/vedette/vedette.yml"]
