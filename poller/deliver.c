#include "poller/deliver.h"

#include "common/address.h"
#include "common/demail.h"
#include "common/log.h"
#include "common/mapping.h"
#include "common/stamp.h"
#include "poller/draft.h"
#include "poller/fields.h"
#include "poller/reply.h"

#include <string.h>

#define CHUNK     16384
#define WHOLE_MAX 65536 /* bytes; a message up to that size is sent with its length, in one piece */

struct DmDeliverSession {
    const DmDelivery *delivery;
    DmGateway *gateway;           /* from MAIL to the end of the transaction */
    char *sender;                 /* the envelope's */
    const DmTenantConfig *tenant; /* the sender's by its domain, or NULL */
    DmChannel *channel;           /* the tenant's, kept so that a reload does not open another for this message */
    GPtrArray *recipients;        /* De-Mail addresses in lower case, in the order of RCPT */
    gboolean past_milter;         /* one of them came without divert suffix */
    gint64 recipients_max;
};

/* A message from DATA to its answers. */
typedef struct {
    const DmDeliverSession *session;
    DmLmtpData *body;
    GString *head;       /* what was read: the header, its empty line, the first bytes of the body or all of it */
    gsize header_length; /* in `head`, with the empty line */
    gsize block_length;  /* without it */
    DmHeaders *headers;
    DmStamp stamp;
    const DmTenantConfig *tenant;
    DmChannel *channel;
    DmArchive *archive; /* lent; NULL: the tenant has none */
    char *demail_sender;
    char *private_id;
    char *email; /* the sender's, where confirmations go */
    char *message_id;
    char *expired;  /* the refusal of what its stamp is too old for; NULL: it is not */
    GString *draft; /* its header, then what `head` had of the body */
    gsize draft_read;
} Message;

DmDeliverSession *dm_deliver_session_new(const DmDelivery *delivery)
{
    DmDeliverSession *session = g_new0(DmDeliverSession, 1);

    session->delivery = delivery;
    session->recipients = g_ptr_array_new_with_free_func(g_free);
    return session;
}

static void reset(gpointer data)
{
    DmDeliverSession *session = data;

    g_clear_pointer(&session->channel, dm_channel_unref);
    session->tenant = NULL;
    g_clear_pointer(&session->gateway, dm_gateway_unref);
    g_clear_pointer(&session->sender, g_free);
    g_ptr_array_set_size(session->recipients, 0);
    session->past_milter = FALSE;
}

void dm_deliver_session_free(DmDeliverSession *session)
{
    if (!session)
        return;
    reset(session);
    g_ptr_array_unref(session->recipients);
    g_free(session);
}

static const DmTenantConfig *tenant_of_sender(const DmConfig *config, const char *sender)
{
    g_autofree char *domain = dm_address_domain(sender);
    const DmTenantConfig *tenant = domain ? dm_config_tenant_by_email_domain(config, domain) : NULL;

    return domain && !tenant ? dm_config_tenant_by_demail_domain(config, domain) : tenant;
}

static char *answer(const DmDeliverSession *session, DmReply reply, const char *word)
{
    return dm_reply(reply, session->gateway->config->language, word, NULL);
}

static char *refuse_size(const DmDeliverSession *session, gint64 size, gint64 max)
{
    g_autofree char *most = g_strdup_printf("%" G_GINT64_FORMAT, max);
    g_autofree char *bytes = g_strdup_printf("%" G_GINT64_FORMAT, size);

    dm_log(DM_LOG_INFO, "message-refused", DM_S("tenant", session->tenant->name), DM_S("sender", session->sender),
           DM_S("reason", "larger than the provider allows"), DM_N("size", size), DM_N("max", max));
    return dm_reply(DM_REPLY_TOO_LARGE, session->gateway->config->language, most, bytes);
}

/* The stamp decides about the message; the sender's domain only tells early whose provider will be needed. */
static char *mail(gpointer data, const char *sender, gint64 size)
{
    DmDeliverSession *session = data;
    g_autoptr(GError) error = NULL;
    DmAccount limits;

    reset(session);
    session->recipients_max = DM_STAMP_RECIPIENTS_MAX;
    session->gateway = dm_gateway_current();
    session->sender = g_strdup(sender);
    session->tenant = tenant_of_sender(session->gateway->config, sender);
    if (!session->tenant)
        return g_strdup("250 2.1.0 Ok");
    session->channel = dm_channels_get(session->delivery->channels, session->gateway, session->tenant, &error);
    /* The channel logs why, once. */
    if (!session->channel || !dm_channel_ready(session->channel, &error))
        return answer(session, DM_REPLY_UNAVAILABLE, NULL);
    dm_channel_limits(session->channel, &limits);
    if (limits.recipients_max > 0)
        session->recipients_max = MIN(limits.recipients_max, DM_STAMP_RECIPIENTS_MAX);
    if (limits.message_size_max > 0 && size > limits.message_size_max)
        return refuse_size(session, size, limits.message_size_max);
    return g_strdup("250 2.1.0 Ok");
}

static char *refuse_recipient(const DmDeliverSession *session, const char *recipient)
{
    dm_log(DM_LOG_WARNING, "barrier-refused", DM_S("sender", session->sender), DM_S("recipient", recipient),
           DM_S("status", "550 5.1.3"));
    return answer(session, DM_REPLY_NOT_PLAIN, recipient);
}

/* A recipient without divert suffix came past the milter, and is refused when the message bears no stamp for it. One
 * with a stamp is what an MTA left beside the diverted recipient: Postfix does where sendmail(1) was given an odd form
 * of the address. It gets the same answer, and nothing is sent twice. */
static char *rcpt(gpointer data, const char *recipient)
{
    DmDeliverSession *session = data;
    g_autofree char *demail = dm_address_undivert(recipient, session->gateway->config->divert_domain);

    if (!demail) {
        session->past_milter = TRUE;
        demail = dm_address_key(recipient);
    }
    if (!dm_address_is_plain(demail))
        return refuse_recipient(session, recipient);
    /* The MTA sends to the rest in another transaction. */
    if (session->recipients->len >= session->recipients_max)
        return answer(session, DM_REPLY_RECIPIENTS, NULL);
    g_ptr_array_add(session->recipients, g_steal_pointer(&demail));
    return g_strdup("250 2.1.5 Ok");
}

/* The place behind the header's last line, and behind the empty line; FALSE if it has not arrived yet. */
static gboolean find_header_end(Message *m, gsize from)
{
    const char *end;

    if (m->head->len >= 2 && memcmp(m->head->str, "\r\n", 2) == 0) {
        m->header_length = 2;
        return TRUE;
    }
    from = from > 3 ? from - 3 : 0;
    end = memmem(m->head->str + from, m->head->len - from, "\r\n\r\n", 4);
    if (!end)
        return FALSE;
    m->block_length = (gsize)(end - m->head->str) + 2;
    m->header_length = m->block_length + 2;
    return TRUE;
}

/* For the log, which leaves out what is NULL. */
static const char *queue_id(const Message *m)
{
    return m->stamp.queue_id && m->stamp.queue_id[0] != '\0' ? m->stamp.queue_id : NULL;
}

/* Logs why the message as a whole is refused for good, and returns the reply. */
static char *refuse(const Message *m, DmReply reply, const char *reason)
{
    dm_log(DM_LOG_WARNING, "message-refused", DM_S("qid", queue_id(m)), DM_S("gid", m->stamp.id),
           DM_S("tenant", m->tenant ? m->tenant->name : NULL), DM_S("sender", m->session->sender),
           DM_S("reason", reason));
    return answer(m->session, reply, NULL);
}

/* NULL, or the reply for all recipients. */
static char *read_header(Message *m)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *chunk = g_malloc(CHUNK);
    gsize before;

    do {
        gssize n = dm_lmtp_data_read(chunk, CHUNK, m->body);

        if (n < 0)
            return answer(m->session, DM_REPLY_BROKEN, NULL);
        before = m->head->len;
        g_string_append_len(m->head, chunk, n);
        if (n == 0) {
            m->block_length = m->header_length = m->head->len;
            break;
        }
        if (m->head->len > DM_HEADERS_MAX + CHUNK)
            return refuse(m, DM_REPLY_HEADER_TOO_LARGE, "the header is too large");
    } while (!find_header_end(m, before));
    m->headers = dm_headers_parse(m->head->str, m->block_length, &error);
    return m->headers ? NULL : refuse(m, DM_REPLY_UNREADABLE, error->message);
}

static void log_stamp(const DmDeliverSession *session, const GError *error)
{
    if (dm_error_is_temporary(error))
        dm_log(DM_LOG_WARNING, "stamp-deferred", DM_S("sender", session->sender), DM_S("reason", error->message));
    else if (session->past_milter)
        dm_log(DM_LOG_WARNING, "barrier-refused", DM_S("sender", session->sender),
               DM_S("recipient", g_ptr_array_index(session->recipients, 0)), DM_S("status", "550 5.7.1"),
               DM_S("reason", error->message));
    else
        dm_log(DM_LOG_WARNING, "stamp-refused", DM_S("sender", session->sender), DM_S("reason", error->message));
}

/* NULL, or the reply for all recipients. With a stamp that is only too old nothing is sent, but what became of it
 * already is still to be told. */
static char *judge_stamp(Message *m)
{
    const DmDeliverSession *session = m->session;
    const DmGateway *gateway = session->gateway;
    g_autoptr(GError) error = NULL;

    if (dm_stamp_verify(gateway->stamp_key, m->headers, session->sender, gateway->config->stamp_max_age, &m->stamp,
                        &error))
        return NULL;
    log_stamp(session, error);
    if (dm_error_is_temporary(error))
        return answer(session, DM_REPLY_STAMP_FUTURE, NULL);
    if (!dm_stamp_verify(gateway->stamp_key, m->headers, session->sender, 0, &m->stamp, NULL))
        return answer(session, DM_REPLY_STAMP, NULL);
    m->expired = answer(session, DM_REPLY_STAMP_OLD, NULL);
    return NULL;
}

static char *defer(const Message *m, DmReply reply, const char *reason)
{
    dm_log(DM_LOG_INFO, "message-deferred", DM_S("qid", queue_id(m)), DM_S("gid", m->stamp.id),
           DM_S("tenant", m->tenant->name), DM_S("sender", m->session->sender), DM_S("reason", reason));
    return answer(m->session, reply, NULL);
}

static gboolean open_channel(Message *m, GError **error)
{
    const DmDeliverSession *session = m->session;

    if (session->channel && session->tenant == m->tenant)
        m->channel = dm_channel_ref(session->channel);
    else
        m->channel = dm_channels_get(session->delivery->channels, session->gateway, m->tenant, error);
    return m->channel && dm_channel_ready(m->channel, error);
}

static gboolean in_demail_domains(const DmTenantConfig *tenant, const char *address)
{
    g_autofree char *domain = dm_address_domain(address);

    return domain && g_strv_contains((const char *const *)tenant->demail_domains, domain);
}

/* What a confirmation will be recognised by, and the user's e-mail address: From, which the milter has allowed. A From
 * that is a De-Mail address stands for the e-mail address that it maps to. */
static gboolean read_identity(Message *m, GError **error)
{
    m->private_id = dm_fields_text(m->headers, DM_FIELD_PRIVATE_ID);
    m->message_id = dm_fields_text(m->headers, "Message-ID");
    m->email = dm_fields_address(m->headers, "From");
    if (m->email && in_demail_domains(m->tenant, m->email)) {
        g_autofree char *demail = g_steal_pointer(&m->email);

        if (!dm_map_to_email(m->session->gateway, m->tenant, demail, &m->email, error))
            return FALSE;
    }
    if (!m->email)
        m->email = g_strdup(m->session->sender);
    return TRUE;
}

/* Everything that concerns the message as a whole. NULL, or the reply for all recipients. */
static char *judge(Message *m)
{
    const DmGateway *gateway = m->session->gateway;
    g_autoptr(GError) error = NULL;
    char *refusal = judge_stamp(m);

    if (refusal)
        return refusal;
    m->tenant = dm_config_tenant_by_name(gateway->config, m->stamp.tenant);
    if (!m->tenant) {
        dm_log(DM_LOG_ERROR, "tenant-unknown", DM_S("qid", queue_id(m)), DM_S("gid", m->stamp.id),
               DM_S("tenant", m->stamp.tenant));
        return answer(m->session, DM_REPLY_NO_TENANT, NULL);
    }
    m->demail_sender = dm_draft_sender(m->headers, &error);
    if (!m->demail_sender)
        return refuse(m, DM_REPLY_UNREADABLE, error->message);
    if (!read_identity(m, &error))
        return defer(m, DM_REPLY_INTERNAL, error->message);
    if (!open_channel(m, &error))
        return defer(m, DM_REPLY_UNAVAILABLE, error->message);
    if (!dm_archives_get(m->session->delivery->archives, m->tenant, &m->archive, &error)) {
        dm_log(DM_LOG_ERROR, "archive-failed", DM_S("qid", queue_id(m)), DM_S("gid", m->stamp.id),
               DM_S("tenant", m->tenant->name), DM_S("reason", error->message),
               DM_S("effect", "nothing was submitted; the MTA tries again"));
        return answer(m->session, DM_REPLY_INTERNAL, NULL);
    }
    return NULL;
}

static gboolean map_address(const char *email, char **demail, gpointer data, GError **error)
{
    const Message *m = data;

    if (!dm_map_to_demail(m->session->gateway, m->tenant, email, demail, error))
        return FALSE;
    if (!*demail && in_demail_domains(m->tenant, email))
        *demail = g_strdup(email);
    return TRUE;
}

static gboolean prepare(char *const *recipients, gint64 *size, gpointer data, GError **error)
{
    Message *m = data;
    const DmConfig *config = m->session->gateway->config;
    const DmDraft draft = {.divert_domain = config->divert_domain,
                           .strip_headers = config->strip_headers,
                           .recipients = recipients,
                           .map = map_address,
                           .map_data = m};

    if (!dm_draft_make(&draft, m->headers, error))
        return FALSE;
    m->draft = g_string_new(NULL);
    dm_headers_write(m->headers, m->draft);
    g_string_append(m->draft, "\r\n");
    g_string_append_len(m->draft, m->head->str + m->header_length, (gssize)(m->head->len - m->header_length));
    *size = dm_lmtp_data_ended(m->body) ? (gint64)m->draft->len : 0;
    return TRUE;
}

static gssize read_draft(void *buffer, gsize size, gpointer data)
{
    Message *m = data;
    gsize left = m->draft->len - m->draft_read;

    if (left == 0)
        return dm_lmtp_data_read(buffer, size, m->body);
    size = MIN(size, left);
    memcpy(buffer, m->draft->str + m->draft_read, size);
    m->draft_read += size;
    return (gssize)size;
}

/* The recipients that the stamp covers, each once, NULL-terminated; *places: address -> its index + 1. */
static GPtrArray *covered_recipients(const Message *m, GHashTable *places)
{
    GPtrArray *covered = g_ptr_array_new();

    for (guint i = 0; i < m->session->recipients->len; i++) {
        char *recipient = g_ptr_array_index(m->session->recipients, i);

        if (!g_hash_table_contains(places, recipient) &&
            dm_stamp_covers(m->session->gateway->stamp_key, &m->stamp, recipient)) {
            g_ptr_array_add(covered, recipient);
            g_hash_table_insert(places, recipient, GUINT_TO_POINTER(covered->len));
        }
    }
    g_ptr_array_add(covered, NULL);
    return covered;
}

static GPtrArray *submit(Message *m)
{
    GPtrArray *replies = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GHashTable) places = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) covered = covered_recipients(m, places);
    const DmSubmitRequest request = {.gateway_id = m->stamp.id,
                                     .queue_id = m->stamp.queue_id,
                                     .tenant = m->tenant->name,
                                     .unit = m->stamp.unit,
                                     .envelope_sender = m->session->sender,
                                     .sender = m->demail_sender,
                                     .private_id = m->private_id,
                                     .email = m->email,
                                     .message_id = m->message_id,
                                     .options = dm_fields_options(m->headers),
                                     .on_unknown = m->session->gateway->config->on_unknown,
                                     .language = m->session->gateway->config->language,
                                     .archive = m->archive,
                                     .expired = m->expired,
                                     .recipients = (char *const *)covered->pdata,
                                     .prepare = prepare,
                                     .read = read_draft,
                                     .data = m};
    g_autoptr(GPtrArray) answers = dm_submit(m->session->delivery->submitter, m->channel, &request);

    for (guint i = 0; i < m->session->recipients->len; i++) {
        const char *recipient = g_ptr_array_index(m->session->recipients, i);
        guint place = GPOINTER_TO_UINT(g_hash_table_lookup(places, recipient));

        if (place > 0) {
            g_ptr_array_add(replies, g_strdup(g_ptr_array_index(answers, place - 1)));
        } else {
            dm_log(DM_LOG_WARNING, "barrier-refused", DM_S("qid", queue_id(m)), DM_S("gid", m->stamp.id),
                   DM_S("sender", m->session->sender), DM_S("recipient", recipient), DM_S("status", "550 5.7.1"));
            g_ptr_array_add(replies, answer(m->session, DM_REPLY_NOT_STAMPED, recipient));
        }
    }
    return replies;
}

static GPtrArray *same_for_all(const DmDeliverSession *session, const char *reply)
{
    GPtrArray *replies = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < session->recipients->len; i++)
        g_ptr_array_add(replies, g_strdup(reply));
    return replies;
}

static void message_clear(Message *m)
{
    g_string_free(m->head, TRUE);
    if (m->draft)
        g_string_free(m->draft, TRUE);
    g_clear_pointer(&m->headers, dm_headers_free);
    dm_stamp_clear(&m->stamp);
    dm_channel_unref(m->channel);
    g_free(m->demail_sender);
    g_free(m->private_id);
    g_free(m->email);
    g_free(m->message_id);
    g_free(m->expired);
}

/* Reads a small message to its end. NULL, or the reply for all recipients. */
static char *read_small(Message *m)
{
    g_autofree char *chunk = g_malloc(CHUNK);
    gssize n = 0;

    while (!dm_lmtp_data_ended(m->body) && m->head->len < WHOLE_MAX) {
        n = dm_lmtp_data_read(chunk, CHUNK, m->body);
        if (n < 0)
            return answer(m->session, DM_REPLY_BROKEN, NULL);
        g_string_append_len(m->head, chunk, n);
    }
    return NULL;
}

static GPtrArray *message(gpointer data, DmLmtpData *body)
{
    Message m = {.session = data, .body = body, .head = g_string_new(NULL)};
    g_autofree char *refusal = read_header(&m);
    GPtrArray *replies;

    if (!refusal)
        refusal = judge(&m);
    if (!refusal)
        refusal = read_small(&m);
    replies = refusal ? same_for_all(m.session, refusal) : submit(&m);
    message_clear(&m);
    return replies;
}

const DmLmtpHandlers dm_deliver_handlers = {.mail = mail, .rcpt = rcpt, .message = message, .reset = reset};
