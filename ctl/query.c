#include "common/table.h"
#include "ctl/command.h"
#include "ctl/output.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define NOT_FOUND 1 /* as postmap -q */

static int print_hit(gboolean json, const char *file, const char *asked, const char *key, const char *value)
{
    if (json)
        dm_output_json(json_pack("{s:s, s:s, s:s?, s:s?}", "table", file, "asked", asked, "key", key, "value", value));
    else if (value != NULL)
        printf("%s\n", value);
    return value != NULL ? EX_OK : NOT_FOUND;
}

int dm_ctl_query(const DmCtl *ctl, int argc, char **argv)
{
    const char *delimiter = "+";
    gboolean json = ctl->json;
    const GOptionEntry entries[] = {
        {"delimiter", 'd', 0, G_OPTION_ARG_STRING, &delimiter, "Recipient delimiter", "CHARS"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    g_autoptr(GError) error = NULL;
    g_autofree char *value = NULL;
    g_autofree char *key = NULL;

    if (!dm_ctl_options("query", "TABLE KEY", entries, &argc, &argv))
        return EX_USAGE;
    if (argc != 3) {
        dm_output_complain("query: give a table and a key, such as lmdb:/etc/demail/senders max@example.org");
        return EX_USAGE;
    }
    g_autoptr(DmTable) table = dm_table_open(argv[1], DM_TABLE_DEFAULT, &error);
    g_autoptr(DmTableReader) reader = table != NULL ? dm_table_read(table, &error) : NULL;
    if (reader == NULL ||
        !dm_table_find(reader, argv[2], DM_FIND_ADDRESS | DM_FIND_AT_DOMAIN | DM_FIND_DOMAIN | DM_FIND_PARENTS,
                       delimiter, &value, &key, &error)) {
        dm_output_complain(error->message);
        return dm_error_exit_code(error);
    }
    return print_hit(json, dm_table_file(table), argv[2], key, value);
}
