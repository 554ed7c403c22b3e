/*
 * A tenant's way to its provider: the driver's handle with its login, the back-off after failures, and the provider's
 * limit on submissions at once.
 *
 * Channels belong to one configuration. The first message or poll after a reload opens new ones, and so tries a login
 * that had been refused. Whoever holds one keeps it beyond a reload. The limit on submissions counts for a provider
 * whatever the configuration. All functions may be called from any thread.
 */
#ifndef DEMAIL_POLLER_CHANNEL_H
#define DEMAIL_POLLER_CHANNEL_H

#include "common/facts.h"
#include "common/gateway.h"
#include "provider/provider.h"

typedef struct DmChannels DmChannels;
typedef struct DmChannel DmChannel;

DmChannels *dm_channels_new(void);
void dm_channels_free(DmChannels *channels);

/* The channel of `tenant` (of `gateway`), a reference; NULL with DM_ERROR_CONFIG if the driver can't be opened, with
 * DM_ERROR_UNAVAILABLE if `gateway` is not the current one any more: a channel for it would log in once more with what
 * the old configuration says. */
DmChannel *dm_channels_get(DmChannels *channels, const DmGateway *gateway, const DmTenantConfig *tenant,
                           GError **error);

/* The same, a reference, if somebody has it already; else NULL. Opens and closes nothing. */
DmChannel *dm_channels_peek(DmChannels *channels, const DmGateway *gateway, const DmTenantConfig *tenant);
DmChannel *dm_channel_ref(DmChannel *channel);
void dm_channel_unref(DmChannel *channel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmChannel, dm_channel_unref)

const DmProviderDriver *dm_channel_driver(const DmChannel *channel);
DmProvider *dm_channel_provider(const DmChannel *channel);

/* Whether the provider can be used now: logs in if need be. After a failure other than DM_ERROR_TEMPORARY answers the
 * same error without trying, for 30 seconds (or poll_interval if that is shorter) at first, doubling up to 15 minutes.
 * A change, whatever the failure, is logged as provider-down or provider-up. */
gboolean dm_channel_ready(DmChannel *channel, GError **error);

/* A call of the driver failed with `error`: an unreachable provider starts the back-off. */
void dm_channel_failed(DmChannel *channel, const GError *error);

/* What the provider told about the account last, 0 where it has not. */
void dm_channel_limits(DmChannel *channel, DmAccount *limits);

/* Where what happens on the channel is counted; lent, may be NULL. */
DmMetrics *dm_channel_metrics(const DmChannel *channel);

/* How the polls of the tenant go. Seconds since the epoch. */
typedef struct {
    gint64 since;   /* the channel was opened */
    gint64 last;    /* with success; 0: none yet */
    gint64 waiting; /* since when the oldest message that can't be received waits; 0: there is none */
} DmPollState;

/* A round has ended; `done`: with success. */
void dm_channel_polled(DmChannel *channel, gboolean done, gint64 waiting);

/* Asks for the account again if that was `seconds` or longer ago and the provider is up. */
void dm_channel_ask_account(DmChannel *channel, guint seconds);

/* How things are, without asking anybody. FALSE: nothing is known of the account yet. May wait for a login under way.
 */
gboolean dm_channel_state(DmChannel *channel, DmProviderState *state, DmAccount *account, DmPollState *poll);

/* Takes one of the provider's `max_submissions`, waiting at most `seconds`; FALSE if none became free. */
gboolean dm_channel_enter(DmChannel *channel, guint seconds);
void dm_channel_leave(DmChannel *channel);

#endif
