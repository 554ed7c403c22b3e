/*
 * HTTPS: libmicrohttpd with a thread per connection, glue between it and the API.
 */
#ifndef DEMAIL_SANDBOX_HTTP_H
#define DEMAIL_SANDBOX_HTTP_H

#include "sandbox/sandbox.h"
#include "sandbox/tls.h"

#include <glib.h>

typedef struct DmHttp DmHttp;

/* Serves on `socket`, which is taken over. `tls` must outlive it. DM_ERROR_OS if the server can't start. */
DmHttp *dm_http_start(DmSandbox *sandbox, int socket, const DmTls *tls, GError **error);

/* Ends all connections and waits for their threads; what waits must have been stopped before. */
void dm_http_stop(DmHttp *http);

#endif
