/*
 * A reply of the API on its way into a connection of libmicrohttpd.
 */
#ifndef DEMAIL_SANDBOX_HTTP_REPLY_H
#define DEMAIL_SANDBOX_HTTP_REPLY_H

#include "sandbox/reply.h"

#include <microhttpd.h>

/* Queues the reply and frees it. MHD_NO closes the connection. */
enum MHD_Result dm_http_queue(struct MHD_Connection *connection, DmReply *reply);

#endif
