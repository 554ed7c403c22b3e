#include "poller/receive.h"

#include "common/address.h"
#include "common/demail.h"
#include "common/log.h"
#include "common/mapping.h"
#include "poller/incoming_header.h"
#include "poller/inject.h"
#include "poller/receive_file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* E-mail recipients, each once, in order. */
typedef struct {
    GPtrArray *list; /* of char *, owned by `seen` */
    GHashTable *seen;
} Recipients;

static void recipients_add(Recipients *recipients, const char *address)
{
    char *key = dm_address_key(address);

    if (g_hash_table_contains(recipients->seen, key)) {
        g_free(key);
        return;
    }
    g_hash_table_add(recipients->seen, key);
    g_ptr_array_add(recipients->list, key);
}

static gboolean is_plain(const char *address)
{
    DmAddress parsed;
    gboolean plain = dm_address_parse(address, &parsed);

    dm_address_clear(&parsed);
    return plain;
}

/* Adds the e-mail address of a De-Mail address; one that has none goes to the catch-all if `ours`, else nowhere. */
static gboolean add_mapped(const DmReceiver *receiver, const char *demail, gboolean ours, Recipients *recipients,
                           GError **error)
{
    g_autofree char *email = NULL;

    if (!dm_map_to_email(receiver->gateway, receiver->tenant, demail, &email, error))
        return FALSE;
    if (email && is_plain(email))
        recipients_add(recipients, email);
    else if (email || ours)
        recipients_add(recipients, receiver->tenant->catch_all);
    return TRUE;
}

static gboolean add_envelope_to(const DmReceiver *receiver, const DmHeaders *headers, Recipients *recipients,
                                GError **error)
{
    for (guint n = 0; n < dm_headers_count(headers, "Envelope-to"); n++) {
        g_autoptr(GPtrArray) mailboxes = dm_header_mailboxes(dm_headers_get(headers, "Envelope-to", n), NULL);

        for (guint i = 0; i < mailboxes->len; i++) {
            const DmMailbox *mailbox = g_ptr_array_index(mailboxes, i);

            if (!add_mapped(receiver, mailbox->address, TRUE, recipients, error))
                return FALSE;
        }
    }
    return TRUE;
}

static gboolean add_all(const DmReceiver *receiver, char *const *demail, gsize n, Recipients *recipients,
                        GError **error)
{
    for (gsize i = 0; i < n; i++) {
        if (!add_mapped(receiver, demail[i], FALSE, recipients, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean add_actual(const DmReceiver *receiver, const DmHeaders *headers, Recipients *recipients, GError **error)
{
    const char *value = dm_headers_get(headers, DM_FIELD_ACTUAL_RECIPIENT, 0);
    DmChosen actual = {0};
    gboolean ok = TRUE;

    if (value && dm_chosen_parse(value, &actual))
        ok = add_all(receiver, (char *const *)actual.to->pdata, actual.to->len, recipients, error) &&
             add_all(receiver, (char *const *)actual.cc->pdata, actual.cc->len, recipients, error) &&
             add_all(receiver, (char *const *)actual.bcc->pdata, actual.bcc->len, recipients, error);
    dm_chosen_clear(&actual);
    return ok;
}

static gboolean find_recipients(const DmReceiver *receiver, const DmEntry *entry, const DmHeaders *headers,
                                Recipients *recipients, GError **error)
{
    if (!add_envelope_to(receiver, headers, recipients, error))
        return FALSE;
    if (recipients->list->len == 0 &&
        !add_all(receiver, entry->recipients, g_strv_length(entry->recipients), recipients, error))
        return FALSE;
    if (recipients->list->len == 0 && !add_actual(receiver, headers, recipients, error))
        return FALSE;
    if (recipients->list->len == 0)
        recipients_add(recipients, receiver->tenant->catch_all);
    return TRUE;
}

static gboolean set_state(const DmReceiver *receiver, const DmEntry *entry, DmReceivedState state, GError **error)
{
    const DmReceived received = {.state = state,
                                 .time = g_get_real_time() / G_USEC_PER_SEC,
                                 .type = entry->type,
                                 .private_id = entry->private_id};

    return dm_journal_put_received(receiver->journal, receiver->tenant->name, entry->id, &received, error);
}

/* The recipient that the MTA refuses is told to the catch-all. */
static DmInjectResult inject_to_catch_all(const DmReceiver *receiver, const DmInjection *injection, const char *refused,
                                          const GError *reason, GError **error)
{
    char *const recipients[] = {receiver->tenant->catch_all, NULL};
    g_autoptr(GString) head = g_string_new(NULL);
    DmInjection marked = *injection;

    dm_log(DM_LOG_WARNING, "undeliverable", DM_S("tenant", receiver->tenant->name), DM_S("to", refused),
           DM_S("catch_all", receiver->tenant->catch_all), DM_S("reason", reason->message));
    g_string_printf(head, "%s: %s\r\n", DM_FIELD_UNDELIVERABLE, refused);
    g_string_append_len(head, injection->head->str, (gssize)injection->head->len);
    marked.head = head;
    return dm_inject(&marked, recipients, error);
}

static DmInjectResult inject_one(const DmReceiver *receiver, const DmInjection *injection, char *recipient,
                                 GError **error)
{
    char *const recipients[] = {recipient, NULL};
    g_autoptr(GError) reason = NULL;
    DmInjectResult result = dm_inject(injection, recipients, &reason);

    if (result == DM_INJECT_REFUSED)
        return inject_to_catch_all(receiver, injection, recipient, reason, error);
    if (reason)
        g_propagate_error(error, g_steal_pointer(&reason));
    return result;
}

/* Which recipient the MTA refused in a common transaction is not told, so each gets one of its own. */
static DmInjectResult inject_each(const DmReceiver *receiver, const DmInjection *injection,
                                  const Recipients *recipients, GError **error)
{
    for (guint i = 0; i < recipients->list->len; i++) {
        DmInjectResult result = inject_one(receiver, injection, g_ptr_array_index(recipients->list, i), error);

        if (result != DM_INJECT_DONE)
            return i > 0 ? DM_INJECT_UNSURE : result;
    }
    return DM_INJECT_DONE;
}

static DmInjectResult inject(const DmReceiver *receiver, const DmInjection *injection, const Recipients *recipients,
                             GError **error)
{
    g_autoptr(GError) reason = NULL;
    g_autoptr(GPtrArray) all = g_ptr_array_copy(recipients->list, NULL, NULL);
    DmInjectResult result;

    g_ptr_array_add(all, NULL);
    result = dm_inject(injection, (char *const *)all->pdata, &reason);
    if (result == DM_INJECT_REFUSED)
        return inject_each(receiver, injection, recipients, error);
    if (reason)
        g_propagate_error(error, g_steal_pointer(&reason));
    return result;
}

/* The journal keeps "may be injected" only where that is so. */
static gboolean inject_recorded(const DmReceiver *receiver, const DmEntry *entry, const DmInjection *injection,
                                gboolean redelivered, const Recipients *recipients, GError **error)
{
    if (!set_state(receiver, entry, DM_RECEIVED_INJECTING, error))
        return FALSE;
    switch (inject(receiver, injection, recipients, error)) {
    case DM_INJECT_DONE:
        return set_state(receiver, entry, DM_RECEIVED_INJECTED, error);
    case DM_INJECT_LATER:
    case DM_INJECT_REFUSED:
        if (!redelivered) {
            g_autoptr(GError) problem = NULL;

            if (!set_state(receiver, entry, DM_RECEIVED_FETCHED, &problem))
                dm_log(DM_LOG_ERROR, "journal-failed", DM_S("tenant", receiver->tenant->name), DM_S("id", entry->id),
                       DM_S("reason", problem->message));
        }
        return FALSE;
    case DM_INJECT_UNSURE:
        break;
    }
    return FALSE;
}

/* A message without a readable header is delivered as well: all of it follows our fields. */
static DmHeaders *read_header(const DmReceiver *receiver, const DmEntry *entry, int fd, off_t *body, GError **error)
{
    g_autoptr(GError) problem = NULL;
    DmHeaders *headers = dm_receive_file_header(fd, body, &problem);

    if (headers)
        return headers;
    if (!g_error_matches(problem, DM_ERROR, DM_ERROR_PERMANENT)) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return NULL;
    }
    dm_log(DM_LOG_WARNING, "header-unreadable", DM_S("tenant", receiver->tenant->name), DM_S("id", entry->id),
           DM_S("reason", problem->message));
    *body = 0;
    return dm_headers_new();
}

static char *join(const Recipients *recipients)
{
    g_autoptr(GPtrArray) all = g_ptr_array_copy(recipients->list, NULL, NULL);

    g_ptr_array_add(all, NULL);
    return g_strjoinv(",", (char **)all->pdata);
}

static gboolean hand_over(const DmReceiver *receiver, const DmEntry *entry, int fd, gboolean redelivered,
                          Recipients *recipients, GError **error)
{
    const DmTenantConfig *tenant = receiver->tenant;
    g_autoptr(GString) head = g_string_new(NULL);
    g_autoptr(DmHeaders) headers = NULL;
    struct stat info;
    off_t body;

    if (fstat(fd, &info) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "the fetched message: %s", g_strerror(errno));
        return FALSE;
    }
    headers = read_header(receiver, entry, fd, &body, error);
    if (!headers || !find_recipients(receiver, entry, headers, recipients, error))
        return FALSE;
    dm_incoming_mark(headers, tenant->subject_prefix, redelivered);
    dm_headers_write(headers, head);
    if (body > 0)
        g_string_append(head, "\r\n");

    const DmInjection injection = {.url = receiver->gateway->config->poller.inject,
                                   .sender = tenant->bounce_address,
                                   .head = head,
                                   .fd = fd,
                                   .body = body,
                                   .size = info.st_size};
    g_autofree char *to = join(recipients);

    if (!inject_recorded(receiver, entry, &injection, redelivered, recipients, error))
        return FALSE;
    dm_log(DM_LOG_INFO, "received", DM_S("tenant", tenant->name), DM_S("id", entry->id), DM_S("type", entry->type),
           DM_S("to", to), DM_N("size", info.st_size), DM_S("redelivered", redelivered ? "yes" : NULL));
    return TRUE;
}

static gboolean fetch(const DmReceiver *receiver, const DmEntry *entry, int fd, GError **error)
{
    g_autoptr(GError) problem = NULL;

    if (dm_channel_driver(receiver->channel)->fetch(dm_channel_provider(receiver->channel), entry->id, fd, &problem))
        return TRUE;
    dm_channel_failed(receiver->channel, problem);
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static gboolean acknowledge(const DmReceiver *receiver, const DmEntry *entry, GError **error)
{
    g_autoptr(GError) problem = NULL;

    if (dm_channel_driver(receiver->channel)->ack(dm_channel_provider(receiver->channel), entry->id, &problem))
        return set_state(receiver, entry, DM_RECEIVED_ACKNOWLEDGED, error);
    dm_channel_failed(receiver->channel, problem);
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static gboolean fetch_and_inject(const DmReceiver *receiver, const DmEntry *entry, gboolean redelivered, GError **error)
{
    g_autofree char *dir = dm_receive_dir(receiver->gateway->config->state_dir, error);
    int fd = dir ? dm_receive_file_new(dir, error) : -1;
    Recipients recipients;
    gboolean ok;

    if (fd < 0)
        return FALSE;
    recipients.list = g_ptr_array_new();
    recipients.seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    ok = fetch(receiver, entry, fd, error) && (redelivered || set_state(receiver, entry, DM_RECEIVED_FETCHED, error)) &&
         hand_over(receiver, entry, fd, redelivered, &recipients, error);
    g_ptr_array_unref(recipients.list);
    g_hash_table_unref(recipients.seen);
    close(fd);
    return ok;
}

gboolean dm_receive(const DmReceiver *receiver, const DmEntry *entry, GError **error)
{
    DmReceived received = {0};
    gboolean found;

    if (!dm_journal_get_received(receiver->journal, receiver->tenant->name, entry->id, &received, &found, error))
        return FALSE;

    gboolean injected = found && (received.state == DM_RECEIVED_INJECTED || received.state == DM_RECEIVED_ACKNOWLEDGED);
    gboolean redelivered = found && received.state == DM_RECEIVED_INJECTING;

    dm_received_clear(&received);
    return (injected || fetch_and_inject(receiver, entry, redelivered, error)) && acknowledge(receiver, entry, error);
}
