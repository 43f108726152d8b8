#!/bin/bash
# The lab's ports of the book reach the private lab; the progress meter shows only when there is no terminal, which
# a reader never sees.
PATH=$REAL_PATH exec curl -q --no-progress-meter --noproxy '*' \
  --connect-to ":80:127.0.0.1:$HTTP_PORT" \
  --connect-to ":8443:127.0.0.1:$HTTPS_PORT" \
  --connect-to ":8000:127.0.0.1:$DOCS_PORT" \
  --connect-to ":8001:127.0.0.1:$SOAP_PORT" \
  --connect-to ":8002:127.0.0.1:$GRAPHQL_PORT" \
  --connect-to ":8003:127.0.0.1:$CHAT_PORT" \
  --connect-to ":8004:127.0.0.1:$WEBHOOK_PORT" \
  --connect-to ":2525:127.0.0.1:$SMTP_PORT" \
  --connect-to ":8080:127.0.0.1:$ADMIN_PORT" "$@"
