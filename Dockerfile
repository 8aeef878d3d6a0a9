# Builds one binary with everything embedded, and puts it beside the only program that it calls: git.
# The base is Debian 13, whose git (2.47) can send credentials before it is asked for them.
FROM rust:1.95-slim-trixie AS build
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked --package server --package forge-sim \
    && install -D -t /built target/release/holdfast target/release/forge-sim

FROM debian:trixie-slim AS runtime
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/holdfast --create-home holdfast \
    && install -d -o holdfast -g holdfast -m 0700 /keys

# The simulator of GitHub, for the demo profile of docker-compose.yml. It is not part of the product.
FROM runtime AS simulator
COPY --from=build /built/forge-sim /usr/local/bin/forge-sim
USER holdfast
ENTRYPOINT ["tini", "--", "forge-sim"]

FROM runtime AS holdfast
COPY --from=build /built/holdfast /usr/local/bin/holdfast
USER holdfast
ENV HOLDFAST_DATA=/var/lib/holdfast \
    HOLDFAST_LISTEN=0.0.0.0:8080
VOLUME ["/var/lib/holdfast", "/keys"]
EXPOSE 8080
ENTRYPOINT ["tini", "--", "holdfast"]
CMD ["serve"]
