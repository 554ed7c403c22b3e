#include "sandbox/delivery.h"

#include "common/address.h"
#include "common/stamp.h"
#include "sandbox/confirmation.h"
#include "sandbox/metadata.h"
#include "sandbox/parts.h"

#define TYPE_NORMAL "normal"

typedef struct {
    const DmDelivery *delivery;
    DmParts *parts;
    GPtrArray *messages; /* of DmMessage * */
    GHashTable *bcc;     /* address keys */
    char *confirm_to;    /* who gets the confirmations */
} Work;

static void message_free(gpointer message)
{
    dm_message_free(message);
}

static gboolean is_bcc(const Work *work, const char *address)
{
    g_autofree char *key = dm_address_key(address);
    return g_hash_table_contains(work->bcc, key);
}

static GHashTable *bcc_of(const DmIntent *intent)
{
    GHashTable *bcc = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < intent->chosen.bcc->len; i++)
        g_hash_table_add(bcc, dm_address_key(g_ptr_array_index(intent->chosen.bcc, i)));
    return bcc;
}

/* Confirmations go to Reply-To where there is one (PVD FU steps 38 and 69), else to the sender. */
static char *confirmation_address(const DmDelivery *d)
{
    const char *reply_to = dm_headers_get(d->draft->headers, "Reply-To", 0);
    g_autoptr(GPtrArray) mailboxes = reply_to ? dm_header_mailboxes(reply_to, NULL) : NULL;
    for (guint i = 0; mailboxes && i < mailboxes->len; i++) {
        const DmMailbox *mailbox = g_ptr_array_index(mailboxes, i);
        if (dm_accounts_is_demail(d->sandbox->accounts, mailbox->address) &&
            dm_accounts_owner(d->sandbox->accounts, mailbox->address))
            return dm_address_key(mailbox->address);
    }
    return g_strdup(d->intent->sender);
}

/* Writes a header block, under Envelope-to if there is a recipient, and its empty line. */
static gboolean write_header(Work *work, const DmHeaders *headers, const char *recipient, DmSlice *slice,
                             GError **error)
{
    g_autoptr(GString) block = g_string_new(NULL);
    if (recipient)
        g_string_append_printf(block, "Envelope-to: %s\r\n", recipient);
    dm_headers_write(headers, block);
    g_string_append(block, "\r\n");
    return dm_parts_add(work->parts, block->str, block->len, slice, error);
}

/* Adds a message for the mailbox of `account`; `recipient` NULL: for its folder `sent`. `id` NULL: a new one. */
static gboolean put(Work *work, const char *account, const char *recipient, const char *id, const char *type,
                    const DmHeaders *headers, const DmSlice *body, GError **error)
{
    const DmDelivery *d = work->delivery;
    g_autoptr(DmMessage) message = g_new0(DmMessage, 1);
    message->id = id ? g_strdup(id) : dm_stamp_new_id(error);
    if (!message->id)
        return FALSE;
    message->account = g_strdup(account);
    message->folder = recipient ? DM_FOLDER_INBOX : DM_FOLDER_SENT;
    message->received = g_get_real_time() / G_USEC_PER_SEC;
    message->type = g_strdup(type);
    message->private_id = g_strdup(d->intent->private_id_text);
    GStrvBuilder *recipients = g_strv_builder_new();
    for (guint i = 0; !recipient && i < d->recipients->len; i++)
        g_strv_builder_add(recipients, g_ptr_array_index(d->recipients, i));
    if (recipient)
        g_strv_builder_add(recipients, recipient);
    message->recipients = g_strv_builder_end(recipients);
    g_strv_builder_unref(recipients);
    dm_slice_set(&message->body, body->file, body->offset, body->length);
    if (!write_header(work, headers, recipient, &message->header, error))
        return FALSE;
    g_ptr_array_add(work->messages, g_steal_pointer(&message));
    return TRUE;
}

static gboolean put_inbox(Work *work, const char *recipient, const char *type, const DmHeaders *headers,
                          const DmSlice *body, GError **error)
{
    const DmAccount *owner = dm_accounts_owner(work->delivery->sandbox->accounts, recipient);
    return put(work, owner->name, recipient, NULL, type, headers, body, error);
}

static DmHeaders *complete(const Work *work, const GPtrArray *bcc, const char *message_id, GError **error)
{
    const DmDelivery *d = work->delivery;
    const DmChosen chosen = {d->intent->chosen.to, d->intent->chosen.cc, (GPtrArray *)bcc};
    const DmMetadata metadata = {
        .provider_domain = d->sandbox->domain,
        .type = TYPE_NORMAL,
        .sender = d->intent->sender,
        .chosen = &chosen,
        .message_id = message_id,
        .private_id = d->intent->private_id,
        .holder = d->account->holder,
        .high = d->high,
        .options = d->intent->options,
    };
    return dm_metadata_complete(d->draft->headers, &metadata, d->draft->body_hash, error);
}

/* One confirmation about `about`, into the mailbox of who asked and (receipt) of the recipient. */
static gboolean confirm(Work *work, DmConfirmationKind kind, const DmHeaders *original, const char *about,
                        GError **error)
{
    const DmDelivery *d = work->delivery;
    g_autofree char *id = dm_stamp_new_id(error);
    if (!id)
        return FALSE;
    g_autofree char *message_id = g_strdup_printf("%s@%s", id, d->sandbox->domain);
    const DmConfirmation confirmation = {
        .kind = kind,
        .provider_domain = d->sandbox->domain,
        .message_id = message_id,
        .original = original,
        .intent = d->intent,
        .about = about,
        .to = work->confirm_to,
        .cc = kind == DM_CONFIRM_RECEIPT ? about : NULL,
    };
    g_autoptr(GByteArray) bytes = NULL;
    g_autoptr(DmHeaders) headers = dm_confirmation_make(&confirmation, &bytes, error);
    DmSlice body = {0};
    const char *type = dm_confirmation_type(kind);
    gboolean done = headers && dm_parts_add(work->parts, (const char *)bytes->data, bytes->len, &body, error) &&
                    put_inbox(work, work->confirm_to, type, headers, &body, error) &&
                    (!confirmation.cc || put_inbox(work, confirmation.cc, type, headers, &body, error));
    g_free(body.file);
    return done;
}

/* Delivers one copy to `recipients`, with the confirmations that were asked for. */
static gboolean deliver_copy(Work *work, const DmHeaders *headers, const GPtrArray *recipients, GError **error)
{
    const DmDelivery *d = work->delivery;
    g_autoptr(GString) all = g_string_new(NULL);
    for (guint i = 0; i < recipients->len; i++) {
        const char *recipient = g_ptr_array_index(recipients, i);
        g_string_append_printf(all, "%s%s", i > 0 ? ", " : "", recipient);
        if (!put_inbox(work, recipient, TYPE_NORMAL, headers, &d->draft->body, error))
            return FALSE;
        if ((d->intent->options & DM_OPTION_RECEIPT) && !confirm(work, DM_CONFIRM_RECEIPT, headers, recipient, error))
            return FALSE;
    }
    return !(d->intent->options & DM_OPTION_DISPATCH) || confirm(work, DM_CONFIRM_DISPATCH, headers, all->str, error);
}

static gboolean deliver_visible(Work *work, GError **error)
{
    const DmDelivery *d = work->delivery;
    g_autoptr(GPtrArray) visible = g_ptr_array_new();
    for (guint i = 0; i < d->recipients->len; i++) {
        if (!is_bcc(work, g_ptr_array_index(d->recipients, i)))
            g_ptr_array_add(visible, g_ptr_array_index(d->recipients, i));
    }
    if (visible->len == 0)
        return TRUE;
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autoptr(DmHeaders) headers = complete(work, none, d->message_id, error);
    return headers && deliver_copy(work, headers, visible, error);
}

/* Every bcc recipient gets a copy with a message id and a hash of its own (PVD IO 3.1.8, PVD FU step 29). */
static gboolean deliver_bcc(Work *work, GError **error)
{
    const DmDelivery *d = work->delivery;
    for (guint i = 0; i < d->recipients->len; i++) {
        char *recipient = g_ptr_array_index(d->recipients, i);
        if (!is_bcc(work, recipient))
            continue;
        g_autofree char *id = dm_stamp_new_id(error);
        if (!id)
            return FALSE;
        g_autofree char *message_id = g_strdup_printf("%s@%s", id, d->sandbox->domain);
        g_autoptr(GPtrArray) alone = g_ptr_array_new();
        g_ptr_array_add(alone, recipient);
        g_autoptr(DmHeaders) headers = complete(work, alone, message_id, error);
        if (!headers || !deliver_copy(work, headers, alone, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean keep_sent(Work *work, GError **error)
{
    const DmDelivery *d = work->delivery;
    g_autoptr(DmHeaders) headers = complete(work, d->intent->chosen.bcc, d->message_id, error);
    const char *id = dm_store_find(d->sandbox->store, NULL, d->id) ? NULL : d->id;
    return headers && put(work, d->account->name, NULL, id, TYPE_NORMAL, headers, &d->draft->body, error);
}

gboolean dm_delivery_run(const DmDelivery *delivery, DmCommit *commit, GError **error)
{
    g_autoptr(DmParts) parts = dm_parts_open(delivery->sandbox->store, error);
    if (!parts)
        return FALSE;
    g_autoptr(GPtrArray) messages = g_ptr_array_new_with_free_func(message_free);
    g_autoptr(GHashTable) bcc = bcc_of(delivery->intent);
    Work work = {delivery, parts, messages, bcc, confirmation_address(delivery)};
    commit->messages = messages;
    gboolean done = deliver_visible(&work, error) && deliver_bcc(&work, error) && keep_sent(&work, error) &&
                    dm_parts_sync(parts, error) && dm_store_commit(delivery->sandbox->store, commit, error);
    g_free(work.confirm_to);
    commit->messages = NULL;
    return done;
}
