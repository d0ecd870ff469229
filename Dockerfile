# syntax=docker/dockerfile:1
# One image for every role: `serve`, `migrate`, `check`, `store copy`.
#   docker build -t kefu-bridge .
#   docker build -t kefu-bridge --build-arg FFMPEG=yes .    voices become MP3 on their way

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# The caches stay with the builder: the second build compiles what changed.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin kefu-bridge \
    && install -D target/release/kefu-bridge /out/kefu-bridge

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="Kefu Bridge" \
      org.opencontainers.image.description="Customer service between WeChat, an assistant and people" \
      org.opencontainers.image.licenses="Apache-2.0"
ARG FFMPEG=no
# Time zones are in the program; certificates are the system's, so that they can be renewed and added to.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && if [ "$FFMPEG" = yes ]; then apt-get install -y --no-install-recommends ffmpeg; fi \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 kefu \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/kefu --shell /usr/sbin/nologin kefu \
    && install -d -o kefu -g kefu -m 0700 /var/lib/kefu /var/lib/kefu/media
COPY --from=build /out/kefu-bridge /usr/local/bin/kefu-bridge
USER 10001:10001
# Of a container only what listens on every address can be reached, whatever the configuration says (a loopback address, as
# in config/example.toml); and the port is the one that is exposed and asked below.
ENV KEFU__SERVER__LISTEN=0.0.0.0:8080
# A relative path of the configuration (data/kefu.db, data/media) lies here.
WORKDIR /var/lib/kefu
VOLUME /var/lib/kefu
EXPOSE 8080
STOPSIGNAL SIGTERM
# Whether it lives, not whether it is ready: a node whose database is away is not to be restarted for it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["kefu-bridge"]
CMD ["serve", "-c", "/etc/kefu/config.toml"]
