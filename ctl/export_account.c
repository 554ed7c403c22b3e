#include "ctl/export_account.h"

#include "common/program.h"
#include "common/secret.h"
#include "ctl/output.h"
#include "provider/drivers.h"
#include "provider/libraries.h"
#include "standard/xml.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static void complain_of_tenant(const DmConfig *config, const char *name)
{
    g_autoptr(GString) line = g_string_new(NULL);

    g_string_printf(line, "export: --tenant %s: there is none of that name; there are", name);
    for (guint i = 0; i < config->tenants->len; i++)
        g_string_append_printf(line, "%s %s", i > 0 ? "," : "",
                               ((const DmTenantConfig *)g_ptr_array_index(config->tenants, i))->name);
    dm_output_complain(line->str);
}

gboolean dm_export_account_load(const DmCtl *ctl, const char *tenant, DmExportAccount *account, int *exit_code)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);

    *account = (DmExportAccount){.config = dm_config_load(ctl->config_file, problems), .out = -1};
    if (account->config == NULL) {
        for (guint i = 0; i < problems->len; i++)
            dm_output_complain(g_ptr_array_index(problems, i));
        *exit_code = access(ctl->config_file, R_OK) == 0 ? EX_CONFIG : EX_NOINPUT;
        return FALSE;
    }
    account->tenant = dm_config_tenant_by_name(account->config, tenant);
    if (account->tenant == NULL) {
        complain_of_tenant(account->config, tenant);
        *exit_code = EX_USAGE;
    }
    return account->tenant != NULL;
}

static gboolean fail_out(const char *out, const char *remedy, GError **error)
{
    g_set_error(error, DM_ERROR, DM_ERROR_NOPERM, "--out %s: %s; %s", out, g_strerror(errno), remedy);
    return FALSE;
}

/* While still root, so that the folder may lie where the poller's user can't get on his own. */
static gboolean open_out(DmExportAccount *account, const char *out, GError **error)
{
    const struct passwd *user = geteuid() == 0 ? getpwnam(account->config->poller.user) : NULL;
    gboolean made = mkdir(out, 0700) == 0;

    if (!made && errno != EEXIST)
        return fail_out(out, "name a folder that can be made", error);
    account->out = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (made ? O_NOFOLLOW : 0));
    if (account->out < 0)
        return fail_out(out, "name a folder", error);
    if (made && user != NULL && fchown(account->out, user->pw_uid, user->pw_gid) != 0)
        return fail_out(out, "its owner can't be changed", error);
    return TRUE;
}

/* Whose it is, or who may write there, could have put files in their places that he reads. */
static gboolean check_out(const DmExportAccount *account, const char *out, GError **error)
{
    struct stat st;

    if (fstat(account->out, &st) != 0)
        return fail_out(out, "name a folder", error);
    if (st.st_uid == geteuid() && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
        faccessat(account->out, ".", W_OK | X_OK, AT_EACCESS) == 0)
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_NOPERM,
                "--out %s: it must belong to the user who runs this, by root %s, and nobody else may write there: "
                "chown(8) it, and chmod 700",
                out, account->config->poller.user);
    return FALSE;
}

static gboolean become_user(const DmExportAccount *account, const char *out, GError **error)
{
    if (!dm_program_drop_privileges(account->config->poller.user, account->config->poller.group, error) ||
        !dm_program_hide_memory(error))
        return FALSE;
    return check_out(account, out, error);
}

gboolean dm_export_account_open(DmExportAccount *account, const char *out, GError **error)
{
    const DmTenantConfig *tenant = account->tenant;

    account->driver = dm_provider_driver(tenant->provider->driver);
    if (account->driver == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "[provider %s] driver: there is no driver %s",
                    tenant->provider_name, tenant->provider->driver);
        return FALSE;
    }
    if (!open_out(account, out, error) || !become_user(account, out, error))
        return FALSE;
    dm_program_block_signals();
    dm_program_share_memory();
    account->started = dm_provider_libraries_start(error) && dm_xml_start(error);
    if (!account->started)
        return FALSE;
    account->trust = dm_trust_new(account->config->trust_anchors, account->config->crl_files, error);
    if (account->trust != NULL)
        account->provider = account->driver->open(tenant->provider, tenant->account, error);
    return account->provider != NULL;
}

void dm_export_account_close(DmExportAccount *account)
{
    if (account->provider != NULL)
        account->driver->close(account->provider);
    dm_trust_free(account->trust);
    if (account->out >= 0)
        close(account->out);
    g_clear_pointer(&account->config, dm_config_unref);
    if (account->started) {
        dm_xml_stop();
        dm_provider_libraries_stop();
    }
}
