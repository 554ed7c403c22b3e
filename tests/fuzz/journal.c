/* The journal's file with any records in it, as a damaged or foreign one may have: every reader gives an answer or an
 * error, and every writer leaves what it does not understand.
 *
 * The input has a line for each pair, "key=record", with "|" for NUL. */
#include "common/journal.h"

#include "common/store.h"
#include "tests/fuzz/fuzz.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#define MAP_SIZE  ((gsize)4 * 1024 * 1024)
#define PAIRS_MAX 64
#define PARTS_MAX 4

static char *folder;
static char *files[3];

static void remove_folder(void)
{
    (void)g_rmdir(folder);
}

void fuzz_start(void)
{
    static const char *const names[] = {"journal.lmdb", "journal.lmdb-lock", "journal.lock"};

    folder = g_mkdtemp(g_strdup("/dev/shm/fuzz-journal-XXXXXX"));
    FUZZ_CHECK(folder != NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        files[i] = g_build_filename(folder, names[i], NULL);
    FUZZ_CHECK(atexit(remove_folder) == 0);
}

static GString *with_nul(const char *text)
{
    GString *bytes = g_string_new(text);

    for (gsize i = 0; i < bytes->len; i++)
        bytes->str[i] = bytes->str[i] == '|' ? '\0' : bytes->str[i];
    return bytes;
}

static void put(DmStoreTxn *txn, char *const *lines)
{
    for (guint i = 0; lines[i] != NULL && i < PAIRS_MAX; i++) {
        char *record = strchr(lines[i], '=');
        gsize length = record != NULL ? (gsize)(record - lines[i]) : 0;

        if (length == 0 || length > 511)
            continue;
        g_autofree char *key = g_strndup(lines[i], length);
        dm_store_put(txn, with_nul(key), with_nul(record + 1));
    }
}

static void write_file(char *const *lines)
{
    g_autoptr(DmStore) store = dm_store_open(files[0], DM_STORE_OWN, MAP_SIZE, NULL);
    DmStoreTxn txn;

    FUZZ_CHECK(store != NULL);
    dm_store_begin(&txn, store);
    put(&txn, lines);
    FUZZ_CHECK(dm_store_end(&txn, NULL) == DM_STORE_DONE);
}

static void read_sent(DmJournal *journal, const char *gateway_id, const char *recipient)
{
    g_autoptr(DmSentMessage) message = NULL;
    g_autoptr(GPtrArray) recipients = dm_journal_get_recipients(journal, gateway_id, NULL);
    DmSent sent = {0};
    gboolean found = FALSE;

    FUZZ_CHECK(dm_journal_get_message(journal, gateway_id, &message, NULL) || message == NULL);
    for (guint i = 0; recipients != NULL && i < recipients->len; i++)
        FUZZ_CHECK(dm_sent_recipient_state(g_ptr_array_index(recipients, i)) != NULL);
    if (dm_journal_get_sent(journal, gateway_id, recipient, &sent, &found, NULL) && found)
        FUZZ_CHECK(dm_sent_state_word(sent.state) != NULL && sent.tenant != NULL && sent.detail != NULL);
    dm_sent_clear(&sent);
}

static void read_received(DmJournal *journal, const char *tenant, const char *id)
{
    DmReceived received = {0};
    gboolean found = FALSE, injected;

    if (dm_journal_get_received(journal, tenant, id, &received, &found, NULL) && found)
        FUZZ_CHECK(received.type != NULL && received.about != NULL);
    (void)dm_journal_get_injected(journal, tenant, id, "erika@gemeinde.example", &injected, NULL);
    dm_received_clear(&received);
}

static gboolean on_entry(const DmJournalEntry *entry, gpointer data, GError **error)
{
    (void)error;
    if (entry->gateway_id[0] != '\0')
        read_sent(data, entry->gateway_id, "erika@muster.de-mail.de");
    else
        read_received(data, entry->tenant, entry->provider_id);
    return TRUE;
}

/* All that can be asked by the parts of the input's keys. */
static void ask(DmJournal *journal, char *const *lines)
{
    for (guint i = 0; lines[i] != NULL && i < PAIRS_MAX; i++) {
        g_auto(GStrv) parts = g_strsplit_set(lines[i], "|=", PARTS_MAX);
        guint n = g_strv_length(parts);

        if (n < 3)
            continue;
        g_autoptr(GPtrArray) found = dm_journal_find(journal, parts[1], NULL);
        read_sent(journal, parts[1], parts[2]);
        read_received(journal, parts[1], parts[2]);
    }
}

static void change(DmJournal *journal)
{
    char *const recipients[] = {(char *)"erika@muster.de-mail.de", NULL};
    const DmSent sent = {.state = DM_SENT_ACCEPTED, .time = 5, .provider_id = (char *)"p-1"};
    const DmSentEvent event = {DM_EVENT_RECEIVED, 6, (char *)"c-1", (char *)""};
    const DmReceived received = {.state = DM_RECEIVED_INJECTED, .time = 7};
    guint n = 0;

    (void)dm_journal_put_sent(journal, "g-1", NULL, recipients, &sent, 1, NULL);
    (void)dm_journal_put_event(journal, "g-1", recipients, &event, NULL);
    (void)dm_journal_put_received(journal, "gemeinde", "m-1", &received, NULL);
    (void)dm_journal_decide(journal, "g-1", TRUE, &n, NULL);
    (void)dm_journal_expire(journal, G_MAXINT32, NULL, NULL, &n, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GError) error = NULL;

    write_file(lines);
    DmJournal *journal = dm_journal_open(folder, DM_JOURNAL_OWN, &error);
    FUZZ_CHECK((journal == NULL) == (error != NULL));
    if (journal != NULL) {
        (void)dm_journal_list(journal, 0, on_entry, journal, NULL);
        (void)dm_journal_list_open(journal, on_entry, journal, NULL);
        (void)dm_journal_list_unacknowledged(journal, "gemeinde", on_entry, journal, NULL);
        ask(journal, lines);
        change(journal);
        ask(journal, lines);
    }
    dm_journal_close(journal);
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
        (void)g_unlink(files[i]);
    return 0;
}
