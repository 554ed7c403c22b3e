/*
 * An account that is to be exported: configuration, provider, trust anchors, and the user who may read its secrets.
 */
#ifndef DEMAIL_CTL_EXPORT_ACCOUNT_H
#define DEMAIL_CTL_EXPORT_ACCOUNT_H

#include "common/config.h"
#include "ctl/command.h"
#include "provider/provider.h"
#include "standard/trust.h"

typedef struct {
    DmConfig *config;
    const DmTenantConfig *tenant;
    const DmProviderDriver *driver;
    DmProvider *provider;
    DmTrust *trust;
    int out;          /* the export's folder */
    gboolean started; /* the libraries */
} DmExportAccount;

/* Reads the configuration and finds the tenant. FALSE after a complaint; *exit_code is then why. Close in any case. */
gboolean dm_export_account_load(const DmCtl *ctl, const char *tenant, DmExportAccount *account, int *exit_code);

/* Opens `out`, or makes it with mode 0700. Started by root, the program becomes the poller's user, who gets a folder
 * that was made; then it starts the libraries and opens the account, without a connection. Before any thread. */
gboolean dm_export_account_open(DmExportAccount *account, const char *out, GError **error);
void dm_export_account_close(DmExportAccount *account);

#endif
