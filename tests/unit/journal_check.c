#include "tests/unit/journal_check.h"

#include "common/journal_store.h"

#include <string.h>

#define ALL 10000000U

/* Sent De-Mails are known by "gateway id||", received ones by "|tenant|id". */
typedef struct {
    GHashTable *keys;     /* all, with "|" */
    GHashTable *de_mails; /* -> how often it is found by time */
    GString *problem;
} Check;

static char *readable(const GString *text)
{
    g_autoptr(GString) copy = g_string_new_len(text->str, (gssize)text->len);

    for (gsize i = 0; i < copy->len; i++)
        copy->str[i] = copy->str[i] == '\0' ? '|' : copy->str[i];
    return g_string_free(g_steal_pointer(&copy), FALSE);
}

static GArray *read_kind(DmStoreTxn *txn, char kind)
{
    g_autoptr(GString) prefix = g_string_new(NULL);

    g_string_append_c(prefix, kind);
    return dm_store_scan(txn, prefix, NULL, ALL);
}

typedef void (*Each)(const DmStorePair *pair, gpointer data);

static gboolean walk(DmJournal *journal, const char *kinds, Each each, gpointer data)
{
    DmStoreTxn txn;

    dm_store_begin(&txn, journal->store);
    for (const char *kind = kinds; *kind != '\0'; kind++) {
        g_autoptr(GArray) pairs = read_kind(&txn, *kind);
        for (guint i = 0; i < pairs->len; i++)
            each(&g_array_index(pairs, DmStorePair, i), data);
    }
    return dm_store_end(&txn, NULL) == DM_STORE_DONE;
}

static void add_line(const DmStorePair *pair, gpointer data)
{
    g_autofree char *key = readable(pair->key);
    g_autofree char *record = readable(pair->record);

    g_string_append_printf(data, "%s -> %s\n", key, record);
}

char *jc_dump(DmJournal *journal)
{
    GString *text = g_string_new(NULL);

    if (!walk(journal, "fsmerintou", add_line, text))
        g_string_append(text, "can't be read\n");
    return g_string_free(text, FALSE);
}

static char *found_by(const DmStorePair *pair)
{
    return g_strdup_printf("%s|%s|%s", dm_journal_part(pair->record, 1), dm_journal_part(pair->record, 2),
                           dm_journal_part(pair->record, 3));
}

static char *de_mail_of(const DmStorePair *pair)
{
    if (strchr("riu", pair->key->str[0]) != NULL)
        return g_strdup_printf("|%s|%s", dm_journal_part(pair->key, 1), dm_journal_part(pair->key, 2));
    return g_strdup_printf("%s||", dm_journal_part(pair->key, 1));
}

static void note(const DmStorePair *pair, gpointer data)
{
    Check *check = data;

    g_hash_table_add(check->keys, readable(pair->key));
    if (strchr("sr", pair->key->str[0]) != NULL)
        g_hash_table_insert(check->de_mails, de_mail_of(pair), GUINT_TO_POINTER(0));
}

static void complain(Check *check, const DmStorePair *pair, const char *what)
{
    g_autofree char *key = readable(pair->key);

    if (check->problem->len == 0)
        g_string_printf(check->problem, "%s: %s", key, what);
}

static gboolean has(const Check *check, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean has(const Check *check, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *key = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return g_hash_table_contains(check->keys, key);
}

static gboolean has_name(const Check *check, const char *name, const char *gateway_id)
{
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);

    return name[0] == '\0' || strcmp(name, gateway_id) == 0 || has(check, "n|%s|%s", hash, gateway_id);
}

static void check_message(Check *check, const DmStorePair *pair)
{
    static const guint names[] = {3, 6, 7};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (!has_name(check, dm_journal_part(pair->record, names[i]), dm_journal_part(pair->key, 1)))
            complain(check, pair, "is not found by a name");
    }
}

static void check_recipient(Check *check, const DmStorePair *pair)
{
    const char *state = dm_journal_part(pair->record, 1);
    gboolean open = strcmp(state, "1") == 0 || strcmp(state, "5") == 0;

    if (open != has(check, "o|%s|%s", dm_journal_part(pair->key, 1), dm_journal_part(pair->key, 2)))
        complain(check, pair, open ? "is not found as open" : "is found as open");
}

static void check_received(Check *check, const DmStorePair *pair)
{
    gboolean injected = strcmp(dm_journal_part(pair->record, 1), "3") == 0;

    if (injected != has(check, "u|%s|%s", dm_journal_part(pair->key, 1), dm_journal_part(pair->key, 2)))
        complain(check, pair, injected ? "is not found as unacknowledged" : "is found as unacknowledged");
}

static void check_by_time(Check *check, const DmStorePair *pair)
{
    g_autofree char *id = found_by(pair);
    guint times = GPOINTER_TO_UINT(g_hash_table_lookup(check->de_mails, id));

    if (g_hash_table_contains(check->de_mails, id))
        g_hash_table_insert(check->de_mails, g_steal_pointer(&id), GUINT_TO_POINTER(times + 1));
    else
        complain(check, pair, "finds nothing");
}

static void check_one(const DmStorePair *pair, gpointer data)
{
    Check *check = data;
    char kind = pair->key->str[0];
    g_autofree char *id = kind == 'n' ? found_by(pair) : de_mail_of(pair);

    if (kind == 't')
        check_by_time(check, pair);
    else if (!g_hash_table_contains(check->de_mails, id))
        complain(check, pair, "belongs to nothing");
    if (kind == 's')
        check_recipient(check, pair);
    if (kind == 'r')
        check_received(check, pair);
    if (kind == 'm')
        check_message(check, pair);
    if (strchr("eo", kind) != NULL &&
        !has(check, "s|%s|%s", dm_journal_part(pair->key, 1), dm_journal_part(pair->key, 2)))
        complain(check, pair, "belongs to no recipient");
}

static void check_times(Check *check)
{
    GHashTableIter iter;
    gpointer id = NULL;
    gpointer times = NULL;

    g_hash_table_iter_init(&iter, check->de_mails);
    while (g_hash_table_iter_next(&iter, &id, &times)) {
        if (GPOINTER_TO_UINT(times) != 1 && check->problem->len == 0)
            g_string_printf(check->problem, "%s is found by time %u times", (const char *)id, GPOINTER_TO_UINT(times));
    }
}

char *jc_problem(DmJournal *journal)
{
    g_autoptr(GHashTable) keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) de_mails = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Check check = {keys, de_mails, g_string_new(NULL)};

    if (!walk(journal, "smerintou", note, &check) || !walk(journal, "smerintou", check_one, &check))
        g_string_assign(check.problem, "can't be read");
    else
        check_times(&check);
    return g_string_free(check.problem, check.problem->len == 0);
}

void jc_put_raw(const char *folder, const char *key, gsize key_length, const char *record, gsize length)
{
    g_autofree char *path = g_build_filename(folder, "journal.lmdb", NULL);
    g_autoptr(DmStore) store = dm_store_open(path, DM_STORE_OWN, (gsize)64 * 1024 * 1024, NULL);
    DmStoreTxn txn;

    dm_store_begin(&txn, store);
    dm_store_put(&txn, g_string_new_len(key, (gssize)key_length), g_string_new_len(record, (gssize)length));
    if (dm_store_end(&txn, NULL) != DM_STORE_DONE)
        g_error("the journal can't be written");
}
