/*
 * Reading a Postfix: postconf(1), postmap(1), and whether its milters answer.
 */
#ifndef DEMAIL_CTL_CHECK_POSTFIX_READ_H
#define DEMAIL_CTL_CHECK_POSTFIX_READ_H

#include "common/config.h"
#include "ctl/check/postfix.h"

/* The Postfix whose main.cf is in `config_dir` (NULL: its default), with what its tables say on the domains and the
 * divert domain. DM_ERROR_UNAVAILABLE if postconf says nothing, with its words. */
DmPostfix *dm_postfix_read(const char *config_dir, const DmConfig *config, char *const *domains, GError **error);

/* Whether somebody listens at "inet:HOST:PORT" or "unix:PATH"; waits no longer than three seconds. */
gboolean dm_socket_answers(const char *address);

#endif
