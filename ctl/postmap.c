#include "common/postmap.h"

#include "common/config.h"
#include "ctl/command.h"
#include "ctl/output.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* Whether the configuration, if there is a good one, names the source as an address_map. */
static gboolean is_address_map(const char *config_file, const char *source)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    gboolean exists = g_file_test(config_file, G_FILE_TEST_EXISTS);
    g_autoptr(DmConfig) config = exists ? dm_config_load(config_file, problems) : NULL;

    if (exists && config == NULL) {
        g_autofree char *line =
            g_strdup_printf("%s has mistakes and does not tell whether %s is an address_map; if it is, "
                            "use --two-way",
                            config_file, source);
        dm_output_complain(line);
    }
    for (guint i = 0; config != NULL && i < config->tenants->len; i++) {
        const DmTenantConfig *tenant = g_ptr_array_index(config->tenants, i);
        if (g_str_has_prefix(tenant->address_map, "lmdb:") &&
            strcmp(tenant->address_map + strlen("lmdb:"), source) == 0)
            return TRUE;
    }
    return FALSE;
}

static int compile(const DmCtl *ctl, const char *operand, gboolean two_way, gboolean json)
{
    g_autofree char *source = g_canonicalize_filename(operand, NULL);
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    guint64 entries = 0;

    if (!two_way)
        two_way = is_address_map(ctl->config_file, source);
    if (!dm_postmap_compile(source, two_way, &entries, problems, &error)) {
        dm_output_complain(error->message);
        return dm_error_exit_code(error);
    }
    for (guint i = 0; i < problems->len; i++)
        dm_output_complain(g_ptr_array_index(problems, i));
    if (problems->len > 0)
        return EX_DATAERR;
    if (json)
        dm_output_json_line(
            json_pack("{s:s, s:I, s:b}", "source", source, "entries", (json_int_t)entries, "two_way", two_way));
    return EX_OK;
}

int dm_ctl_postmap(const DmCtl *ctl, int argc, char **argv)
{
    gboolean two_way = FALSE;
    gboolean json = ctl->json;
    const GOptionEntry entries[] = {
        {"two-way", 0, 0, G_OPTION_ARG_NONE, &two_way, "Compile for look-ups both ways (address maps)", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON, one object per line", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    int exit_code = EX_OK;

    if (!dm_ctl_options("postmap", "FILE…", entries, &argc, &argv))
        return EX_USAGE;
    if (argc < 2) {
        dm_output_complain("postmap: no file; name the source, such as /etc/demail/senders");
        return EX_USAGE;
    }
    for (int i = 1; i < argc; i++) {
        int result = compile(ctl, argv[i], two_way, json);
        if (exit_code == EX_OK)
            exit_code = result;
    }
    return exit_code;
}
