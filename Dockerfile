# One build for the whole lab, then one small image per service:
#   build (Rust) ->  backends   proxy   docs   load-tester   and the four demos      (Debian, no compiler)
#                ->  test                                       (the build's own image, to run the tests in)
# Every image has a shell: `docker compose exec backend1 sh` and look around.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# The caches outlive the build: after an edit, only what changed is compiled. They are no part of the image, so the
# programs are copied out. `lab` profile: optimised, but without the minutes that link-time optimisation takes.
RUN --mount=type=cache,id=lab8-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=lab8-target,target=/src/target,sharing=locked \
    cargo build --locked --profile lab --bins \
 && mkdir /out \
 && for program in backends graphql-demo load-tester proxy soap-demo webhook-receiver websocket-chat; do strip --strip-debug -o /out/$program target/lab/$program; done \
 && target/lab/lab book build --dest /out/book

# GraphiQL, the GraphQL demo's explorer: from npm, as the lock file has it, and served by us.
FROM node:20-bookworm-slim AS graphiql
WORKDIR /src
COPY graphql-demo/graphiql .
RUN npm ci --ignore-scripts --no-audit --no-fund && node collect.mjs /out

# What all services share: an unprivileged user. No service needs more than its own binary.
FROM debian:bookworm-slim AS base
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent lab
USER lab

FROM base AS backends
COPY --from=build /out/backends /usr/local/bin/
EXPOSE 5000
CMD ["backends", "--bind", "0.0.0.0:5000"]

FROM base AS proxy
COPY --from=build /out/proxy /usr/local/bin/
COPY proxy/conf /etc/proxy
EXPOSE 80 8000 8080
# nginx's word for: finish what is in flight, then go
STOPSIGNAL SIGQUIT
CMD ["proxy", "-g", "daemon off;", "--admin", "0.0.0.0:8080"]

FROM base AS docs
COPY --from=build /out/proxy /usr/local/bin/
COPY docs/nginx.conf /etc/proxy/nginx.conf
COPY --from=build /out/book /etc/proxy/book
EXPOSE 8000
STOPSIGNAL SIGQUIT
CMD ["proxy", "-g", "daemon off;", "--admin", "127.0.0.1:8080"]

FROM base AS soap-demo
COPY --from=build /out/soap-demo /usr/local/bin/
EXPOSE 8001
CMD ["soap-demo", "--bind", "0.0.0.0:8001"]

FROM base AS graphql-demo
COPY --from=build /out/graphql-demo /usr/local/bin/
COPY --from=graphiql /out /usr/share/graphiql
ENV GRAPHIQL_DIR=/usr/share/graphiql
EXPOSE 8002
CMD ["graphql-demo", "--bind", "0.0.0.0:8002"]

FROM base AS websocket-chat
COPY --from=build /out/websocket-chat /usr/local/bin/
EXPOSE 8003
CMD ["websocket-chat", "--bind", "0.0.0.0:8003"]

FROM base AS webhook-receiver
USER root
RUN install -d -o lab -g lab /data
USER lab
COPY --from=build /out/webhook-receiver /usr/local/bin/
EXPOSE 8004 2525 5300
CMD ["webhook-receiver", "--bind", "0.0.0.0:8004", "--smtp", "0.0.0.0:2525", "--dns", "0.0.0.0:5300"]

FROM base AS load-tester
COPY --from=build /out/load-tester /usr/local/bin/
ENTRYPOINT ["load-tester"]

# The tests, with the tools that the book's commands use. Dependencies are in the image, so running needs no network;
# what is compiled goes to a volume (compose.yaml), so that the second run is quick.
FROM build AS test
RUN apt-get update \
 && apt-get install -y --no-install-recommends curl procps \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --user-group --create-home lab \
 && mkdir /target \
 && chown lab:lab /target /src \
 && chmod -R a+rwX /usr/local/cargo
USER lab
ENV CARGO_TARGET_DIR=/target LAB_STATE=/tmp/lab
RUN cargo fetch --locked
CMD ["cargo", "test", "--workspace"]
