#!/bin/bash
# The lab's ports of the book reach the private lab; the progress meter shows only when there is no terminal, which
# a reader never sees.
PATH=$REAL_PATH exec curl -q --no-progress-meter --noproxy '*' \
  --connect-to ":80:127.0.0.1:$HTTP_PORT" \
  --connect-to ":8000:127.0.0.1:$DOCS_PORT" \
  --connect-to ":8080:127.0.0.1:$ADMIN_PORT" "$@"
