#include "ctl/journal_open.h"

#include "common/nearest.h"
#include "common/program.h"
#include "ctl/output.h"

#include <sysexits.h>
#include <unistd.h>

gboolean dm_ctl_journal_open(const DmCtl *ctl, DmJournalMode mode, DmCtlJournal *opened, int *exit_code)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;

    *opened = (DmCtlJournal){dm_config_load(ctl->config_file, problems), NULL};
    if (opened->config == NULL) {
        for (guint i = 0; i < problems->len; i++)
            dm_output_complain(g_ptr_array_index(problems, i));
        *exit_code = access(ctl->config_file, R_OK) == 0 ? EX_CONFIG : EX_NOINPUT;
        return FALSE;
    }
    if (dm_program_become_owner(opened->config->state_dir, &error))
        opened->journal = dm_journal_open(opened->config->state_dir, mode, &error);
    if (opened->journal == NULL) {
        dm_output_complain(error->message);
        *exit_code = dm_error_exit_code(error);
        return FALSE;
    }
    return TRUE;
}

void dm_ctl_journal_warn_of_tenant(const DmCtlJournal *opened, const char *tenant)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    if (tenant == NULL || dm_config_tenant_by_name(opened->config, tenant) != NULL)
        return;
    for (guint i = 0; i < opened->config->tenants->len; i++)
        g_ptr_array_add(names, ((const DmTenantConfig *)g_ptr_array_index(opened->config->tenants, i))->name);
    g_ptr_array_add(names, NULL);
    g_autofree char *problem = g_strdup_printf("--tenant %s: not in the configuration; did you mean \"%s\"?", tenant,
                                               dm_nearest(tenant, (const char *const *)names->pdata));
    dm_output_complain(problem);
}

void dm_ctl_journal_close(DmCtlJournal *opened)
{
    g_clear_pointer(&opened->journal, dm_journal_close);
    g_clear_pointer(&opened->config, dm_config_unref);
}
