#include "poller/about.h"

#include "common/address.h"

#include <string.h>

#define MESSAGE_ID_MAX 500            /* characters; RFC 5322 allows 998 in a line */
#define TEXT_MAX       ((gsize)65536) /* bytes of a statement's text that are searched */

/* A statement, prepared for comparisons with many recipients. */
typedef struct {
    const DmStatement *statement;
    char *private_id;       /* decoded */
    char *text;             /* in lower case */
    GHashTable *recipients; /* address keys; of those that it lists */
} Said;

/* The De-Mail that fits the statement best so far. */
typedef struct {
    DmJournal *journal;
    const char *tenant;
    const Said *said;
    DmSentMessage *best;
    guint rank;
    gboolean ambiguous;
} Search;

static Said *said_new(const DmStatement *statement)
{
    Said *said = g_new0(Said, 1);

    said->statement = statement;
    said->private_id = dm_header_decode(statement->private_id);
    said->text = g_ascii_strdown(statement->text, (gssize)strnlen(statement->text, TEXT_MAX));
    said->recipients = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < statement->recipients->len; i++)
        g_hash_table_add(said->recipients, dm_address_key(g_ptr_array_index(statement->recipients, i)));
    return said;
}

static void said_free(Said *said)
{
    g_free(said->private_id);
    g_free(said->text);
    g_hash_table_unref(said->recipients);
    g_free(said);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Said, said_free)

static gboolean is_message_id(const char *text)
{
    gsize length = strlen(text);

    if (length < 3 || length > MESSAGE_ID_MAX || text[0] != '<' || text[length - 1] != '>')
        return FALSE;
    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isgraph(text[i]))
            return FALSE;
    }
    return TRUE;
}

static gboolean is_address_char(char c)
{
    return g_ascii_isalnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~@.", c) != NULL);
}

/* An apostrophe belongs to an address only within it: in front it is a quotation mark. */
static gboolean begins_earlier(const char *text, const char *at)
{
    if (at > text && at[-1] == '\'')
        at--;
    return at > text && is_address_char(at[-1]);
}

static gboolean is_domain_char(char c)
{
    return g_ascii_isalnum(c) || c == '-' || c == '_';
}

/* A full stop may end a sentence. */
static gboolean ends_later(const char *end)
{
    return is_domain_char(*end) || *end == '@' || (*end == '.' && is_domain_char(end[1]));
}

/* Whether the text holds the address (both in lower case), and not as part of a longer one. */
static gboolean names_address(const char *text, const char *address)
{
    gsize length = strlen(address);

    for (const char *at = strstr(text, address); at; at = strstr(at + 1, address)) {
        if (!begins_earlier(text, at) && !ends_later(at + length))
            return TRUE;
    }
    return FALSE;
}

/* Recipients that the provider may have: a statement can't speak of others. */
static gboolean was_sent(const DmSentRecipient *recipient)
{
    switch (recipient->sent.state) {
    case DM_SENT_SUBMITTING:
    case DM_SENT_ACCEPTED:
    case DM_SENT_UNKNOWN:
        return TRUE;
    case DM_SENT_REFUSED:
        return g_str_equal(recipient->sent.code, DM_CODE_DROPPED);
    case DM_SENT_DEFERRED:
        break;
    }
    return g_str_equal(recipient->sent.code, DM_CODE_RELEASED);
}

static gboolean text_names_recipient(const Search *search, const char *gateway_id, gboolean *names, GError **error)
{
    g_autoptr(GPtrArray) recipients = dm_journal_get_recipients(search->journal, gateway_id, error);

    *names = FALSE;
    for (guint i = 0; recipients && i < recipients->len && !*names; i++) {
        const DmSentRecipient *recipient = g_ptr_array_index(recipients, i);

        *names = was_sent(recipient) && names_address(search->said->text, recipient->address);
    }
    return recipients != NULL;
}

/* 0: the statement is not about this message; the higher, the surer. */
static gboolean rank_message(const Search *search, const DmSentMessage *message, guint *rank, GError **error)
{
    const DmStatement *statement = search->said->statement;
    const char *private_id = search->said->private_id;
    g_autofree char *message_id = g_ascii_strdown(message->message_id, -1);
    gboolean names = FALSE;

    *rank = 0;
    if (strcmp(message->tenant, search->tenant) != 0 || strcmp(message->private_id, private_id) != 0 ||
        (statement->original_rfc_id[0] != '\0' && message->message_id[0] != '\0' &&
         strcmp(statement->original_rfc_id, message->message_id) != 0))
        return TRUE;
    *rank = 1;
    if (statement->original_rfc_id[0] != '\0')
        return TRUE;
    if (message_id[0] != '\0' && strstr(search->said->text, message_id)) {
        *rank = 3;
        return TRUE;
    }
    if (!text_names_recipient(search, message->gateway_id, &names, error))
        return FALSE;
    *rank = names ? 2 : 1;
    return TRUE;
}

static gboolean consider(Search *search, const char *gateway_id, GError **error)
{
    g_autoptr(DmSentMessage) message = NULL;
    guint rank = 0;

    if (!dm_journal_get_message(search->journal, gateway_id, &message, error))
        return FALSE;
    if (!message)
        return TRUE;
    if (!rank_message(search, message, &rank, error))
        return FALSE;
    if (rank == 0 || rank < search->rank)
        return TRUE;
    search->ambiguous = rank == search->rank;
    search->rank = rank;
    g_clear_pointer(&search->best, dm_sent_message_free);
    search->best = g_steal_pointer(&message);
    return TRUE;
}

static gboolean search_by(Search *search, const char *name, GError **error)
{
    g_autoptr(GPtrArray) entries = name[0] != '\0' ? dm_journal_find(search->journal, name, error) : NULL;

    if (name[0] == '\0')
        return TRUE;
    for (guint i = 0; entries && i < entries->len; i++) {
        const DmJournalEntry *entry = g_ptr_array_index(entries, i);

        if (entry->gateway_id[0] != '\0' && !consider(search, entry->gateway_id, error))
            return FALSE;
    }
    return entries != NULL;
}

static gboolean find_message(Search *search, GError **error)
{
    if (!search_by(search, search->said->statement->original_rfc_id, error) ||
        (search->rank == 0 && !search_by(search, search->said->private_id, error)))
        return FALSE;
    if (search->ambiguous)
        g_clear_pointer(&search->best, dm_sent_message_free);
    return TRUE;
}

/* By the recipients that it lists; one that lists none, by its text. */
static gboolean speaks_of(const Said *said, const char *recipient)
{
    return g_hash_table_size(said->recipients) > 0 ? g_hash_table_contains(said->recipients, recipient)
                                                   : names_address(said->text, recipient);
}

/* Fills `possible` with the recipients that it can be about, and `concerned` with those that it speaks of. */
static void find_concerned(const GPtrArray *recipients, const Said *said, GPtrArray *concerned, GPtrArray *possible)
{
    for (guint i = 0; i < recipients->len; i++) {
        const DmSentRecipient *recipient = g_ptr_array_index(recipients, i);

        if (!was_sent(recipient))
            continue;
        g_ptr_array_add(possible, g_strdup(recipient->address));
        if (speaks_of(said, recipient->address))
            g_ptr_array_add(concerned, g_strdup(recipient->address));
    }
}

static gboolean is_undeliverable(const char *notification_type)
{
    static const char *const types[] = {"unknown-recipient", "closed-account", "invalid-format", NULL};

    return g_strv_contains(types, notification_type);
}

static DmSentEventKind event_of(const DmFindings *findings)
{
    static const struct {
        const char *type;
        DmSentEventKind event;
    } types[] = {{"confirmation of dispatch", DM_EVENT_DISPATCHED},
                 {"confirmation of receipt", DM_EVENT_RECEIVED},
                 {"confirmation of retrieve", DM_EVENT_RETRIEVED}};

    for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
        if (g_strcmp0(findings->message_type, types[i].type) == 0)
            return types[i].event;
    }
    return g_strcmp0(findings->message_type, "notification") == 0 &&
                   is_undeliverable(findings->statement->notification_type)
               ? DM_EVENT_UNDELIVERABLE
               : DM_EVENT_NOTIFIED;
}

/* A confirmation counts for the recipients that it names and no others. A notification may name nobody: then it is
 * about the only recipient, or says something of all, which is no failure of each. */
static gboolean find_event(DmJournal *journal, const DmFindings *findings, const Said *said, DmAbout *about,
                           GError **error)
{
    g_autoptr(GPtrArray) recipients = dm_journal_get_recipients(journal, about->message->gateway_id, error);
    g_autoptr(GPtrArray) possible = g_ptr_array_new_with_free_func(g_free);

    if (!recipients)
        return FALSE;
    about->event = event_of(findings);
    find_concerned(recipients, said, about->recipients, possible);
    if (about->recipients->len > 0 || findings->message_class != DM_CLASS_NOTIFICATION)
        return TRUE;
    if (possible->len != 1)
        about->event = DM_EVENT_NOTIFIED;
    g_ptr_array_unref(about->recipients);
    about->recipients = g_steal_pointer(&possible);
    return TRUE;
}

gboolean dm_about_find(DmJournal *journal, const char *tenant, const DmJudgement *judgement, DmAbout *about,
                       GError **error)
{
    const DmFindings *findings = judgement->findings;
    const DmStatement *statement = findings->statement;

    *about = (DmAbout){.recipients = g_ptr_array_new_with_free_func(g_free)};
    if (!statement || !dm_judgement_counts(judgement) ||
        (findings->message_class != DM_CLASS_CONFIRMATION && findings->message_class != DM_CLASS_NOTIFICATION))
        return TRUE;

    g_autoptr(Said) said = said_new(statement);
    Search search = {.journal = journal, .tenant = tenant, .said = said};
    gboolean found = find_message(&search, error);

    about->message = search.best;
    if (!found)
        return FALSE;

    const char *thread = about->message && about->message->message_id[0] != '\0' ? about->message->message_id
                                                                                 : statement->original_rfc_id;

    if (is_message_id(thread))
        about->thread = g_strdup(thread);
    return !about->message || find_event(journal, findings, said, about, error);
}

void dm_about_clear(DmAbout *about)
{
    g_clear_pointer(&about->message, dm_sent_message_free);
    g_clear_pointer(&about->recipients, g_ptr_array_unref);
    g_clear_pointer(&about->thread, g_free);
}

gboolean dm_about_record(DmJournal *journal, const DmAbout *about, const DmStatement *statement, const char *id,
                         GError **error)
{
    g_autofree char **recipients = NULL;

    if (!about->message || about->recipients->len == 0)
        return TRUE;

    const DmSentEvent event = {.kind = about->event,
                               .time = statement->time > 0 ? statement->time : g_get_real_time() / G_USEC_PER_SEC,
                               .provider_id = (char *)id,
                               .detail = statement->notification_type};

    recipients = g_new0(char *, about->recipients->len + 1);
    for (guint i = 0; i < about->recipients->len; i++)
        recipients[i] = g_ptr_array_index(about->recipients, i);
    return dm_journal_put_event(journal, about->message->gateway_id, recipients, &event, error);
}

gboolean dm_about_is_failure(const DmAbout *about)
{
    return about->message && about->event == DM_EVENT_UNDELIVERABLE && about->recipients->len > 0;
}
