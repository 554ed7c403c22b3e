/*
 * The configuration, demail.conf(5): read once, never changed, shared by reference count.
 *
 * Times are seconds, sizes are bytes, dates are seconds since the epoch (0: not set). Strings are never NULL where the
 * comment does not say so. Everything belongs to the configuration; pointers are good as long as a reference is held.
 */
#ifndef DEMAIL_COMMON_CONFIG_H
#define DEMAIL_COMMON_CONFIG_H

#include "common/demail.h"
#include "common/network.h"

#include <glib.h>

typedef enum { DM_LANGUAGE_EN, DM_LANGUAGE_DE } DmLanguage;
typedef enum { DM_MIXED_REJECT, DM_MIXED_INTERNAL, DM_MIXED_ALLOW } DmMixed;
typedef enum { DM_MIXED_SCOPE_ENVELOPE, DM_MIXED_SCOPE_HEADERS } DmMixedScope;
typedef enum { DM_WITHOUT_DEMAIL_IGNORE, DM_WITHOUT_DEMAIL_REJECT } DmWithoutDemail;
typedef enum { DM_UNKNOWN_HOLD, DM_UNKNOWN_RESEND } DmOnUnknown;
typedef enum { DM_DIRECTION_BOTH, DM_DIRECTION_SEND, DM_DIRECTION_RECEIVE } DmDirection;

typedef struct {
    char *name;
    char *driver;
    char *url;
    char *ca_file;     /* empty: the system's CAs */
    char *client_cert; /* PEM */
    char *client_key;  /* PEM */
    char *password_file;
    gint64 poll_interval;
    gint64 timeout; /* of a call; twice as long without a sign of life where a message is under way */
    gint64 max_submissions;
    gint64 send_until;
    gint64 receive_until;
} DmProviderConfig;

typedef struct {
    char *name;
    char *provider_name;
    const DmProviderConfig *provider;
    char *account;
    char **email_domains;  /* lower case; at least one */
    char **demail_domains; /* lower case; at least one; pairs with email_domains by position */
    DmDirection direction;
    char *senders;               /* table */
    char *address_map;           /* table, or empty */
    DmNetworks *allowed_clients; /* empty: all */
    char *catch_all;
    char *bounce_address;
    char *subject_prefix; /* or empty */
    gboolean poll;
    char *archive_dir; /* or empty */
} DmTenantConfig;

typedef struct {
    char *file;

    DmLanguage language;
    char *divert_domain; /* lower case */
    gint64 stamp_max_age;
    char *stamp_key_file;
    char *state_dir;
    char *demail_domains; /* table */
    DmNetworks *trusted_clients;
    char *sender_logins;      /* table, or empty */
    char **trust_anchors;     /* PEM; may be empty */
    char **crl_files;         /* PEM; may be empty */
    char *trust_list_url;     /* https:// or file:///; or empty, and then the next two are too */
    char *trust_list_ca_file; /* empty: the system's CAs */
    char *trust_list_signer;  /* PEM */
    gint64 keep_days;
    DmOnUnknown on_unknown;
    char *recipient_delimiter;
    DmMixed mixed_addressing;
    DmMixedScope mixed_addressing_scope;
    DmWithoutDemail options_without_demail;
    char **strip_headers;
    char **tokens[DM_OPTION_COUNT]; /* short tokens of the options in a subject, by option; at least one each */

    struct {
        char *socket; /* as libmilter wants it: unix:PATH, inet:PORT@HOST or inet6:PORT@HOST */
        gint64 socket_mode;
        char *socket_group; /* or empty */
        char *user;
        char *group;
        char *metrics_file; /* or empty */
    } milter;

    struct {
        char *lmtp;   /* unix:PATH or inet:HOST:PORT */
        char *inject; /* smtp://HOST:PORT */
        gint64 socket_mode;
        char *socket_group;
        char *user;
        char *group;
        gint64 max_connections;
    } poller;

    GPtrArray *providers; /* of DmProviderConfig */
    GPtrArray *tenants;   /* of DmTenantConfig */
} DmConfig;

/* Reads `file`. On any mistake returns NULL and fills `problems` (of char *, g_free as element free function) with one
 * line each, all of them: "FILE: [group] key: what; what to do". A file that can't be read is a problem as well. */
DmConfig *dm_config_load(const char *file, GPtrArray *problems);

DmConfig *dm_config_ref(DmConfig *config);
void dm_config_unref(DmConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmConfig, dm_config_unref)

/* The tenant with one of its email_domains (demail_domains) equal to `domain`, in any case; NULL if there is none. */
const DmTenantConfig *dm_config_tenant_by_email_domain(const DmConfig *config, const char *domain);
const DmTenantConfig *dm_config_tenant_by_demail_domain(const DmConfig *config, const char *domain);
const DmTenantConfig *dm_config_tenant_by_name(const DmConfig *config, const char *name);

#endif
