#!/bin/bash
# `docker compose` as far as the private lab has the same: what it lacks belongs into a `console,docker` block.
lacks() { echo "the lab without Docker has no: docker $*" >&2; exit 125; }
each() { verb=$1; shift; for name in "$@"; do "$LAB" "$verb" "$name" || exit; done; }

[ "$1" = compose ] || lacks "$@"
verb=$2
shift 2
case $verb in
  kill | start | stop | restart)
    words=()
    for word in "$@"; do [[ $word = -* ]] || words+=("$word"); done
    each "$verb" "${words[@]}"
    ;;
  ps) "$LAB" status ;;
  logs)
    for word in "$@"; do [[ $word = -* ]] || name=$word; done
    "$LAB" logs "$name"
    ;;
  exec)
    while [[ $1 = -* ]]; do shift; done
    if [ "$1 $2 $3" = "websocket-chat websocket-chat join" ]; then
      shift 3
      exec "$(dirname "$LAB")/websocket-chat" join --url "ws://localhost:$CHAT_PORT/chat" "$@"
    fi
    if [ "$*" = "forward-proxy proxy -s reload" ]; then exec "$LAB" reload forward-proxy; fi
    [ "$1 $2" = "proxy proxy" ] || lacks compose exec "$@"
    shift 2
    # The lab's reload waits until the new configuration is in use, as a person who types does.
    if [ "$*" = "-s reload" ]; then exec "$LAB" reload; fi
    "$LAB" proxy "$@"
    ;;
  run)
    while [[ $1 = -* ]]; do shift; done
    [ "$1" = load-tester ] || lacks compose run "$@"
    shift
    "$LAB" load "$@"
    ;;
  *) lacks compose "$verb" "$@" ;;
esac
