#!/bin/bash
# The lab's ports of the book reach the private lab; the progress meter shows only when there is no terminal, which
# a reader never sees.
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
export PATH=$REAL_PATH

# A request through the forward proxy: only that has another port here, and what it asks for is its own affair.
for word in "$@"; do
  if [[ $word = -x || $word = --proxy ]]; then
    exec curl -q --no-progress-meter "${@/localhost:3128/127.0.0.1:$FORWARD_PORT}"
  fi
done

exec curl -q --no-progress-meter --noproxy '*' \
  --connect-to ":80:127.0.0.1:$HTTP_PORT" \
  --connect-to ":8443:127.0.0.1:$HTTPS_PORT" \
  --connect-to ":8000:127.0.0.1:$DOCS_PORT" \
  --connect-to ":8001:127.0.0.1:$SOAP_PORT" \
  --connect-to ":8002:127.0.0.1:$GRAPHQL_PORT" \
  --connect-to ":8003:127.0.0.1:$CHAT_PORT" \
  --connect-to ":8004:127.0.0.1:$WEBHOOK_PORT" \
  --connect-to ":3128:127.0.0.1:$FORWARD_PORT" \
  --connect-to ":2525:127.0.0.1:$SMTP_PORT" \
  --connect-to ":8080:127.0.0.1:$ADMIN_PORT" "$@"
