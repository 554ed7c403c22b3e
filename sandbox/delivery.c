#include "sandbox/delivery.h"

#include "common/address.h"
#include "common/stamp.h"
#include "sandbox/arrival.h"
#include "sandbox/confirmation.h"
#include "sandbox/metadata.h"
#include "sandbox/post.h"

typedef struct {
    const DmDelivery *delivery;
    DmPost *post;
    GHashTable *bcc; /* address keys */
    const char *id;  /* of the next copy in the folder `sent`; NULL: a new one */
} Work;

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

/* Steps 29 to 31. */
static DmLetter *make_letter(const Work *work, const GPtrArray *bcc, const char *message_id, GError **error)
{
    const DmDelivery *d = work->delivery;
    const DmChosen chosen = {d->intent->chosen.to, d->intent->chosen.cc, (GPtrArray *)bcc};
    g_autofree char *holder = dm_account_holder_of(d->account, d->intent->sender);
    const DmMetadata metadata = {
        .provider = d->account->provider,
        .type = DM_TYPE_NORMAL,
        .sender = d->intent->sender,
        .chosen = &chosen,
        .message_id = message_id,
        .private_id = d->intent->private_id,
        .holder = holder,
        .high = d->high,
        .options = d->intent->options,
    };
    const DmSealing sealing = {
        .algorithm = d->draft->algorithm,
        .sign = (d->intent->options & DM_OPTION_AUTHORITATIVE) != 0,
        .body_hash = d->draft->body_hash,
        .domain = d->account->provider,
    };
    g_autoptr(DmHeaders) headers = dm_metadata_complete(d->draft->headers, &metadata, error);
    if (!headers || !dm_seal_put(d->sandbox->seal, &sealing, headers, error))
        return NULL;
    return dm_letter_new(g_steal_pointer(&headers), &d->draft->body);
}

static char *join(const GPtrArray *addresses)
{
    GString *all = g_string_new(NULL);
    for (guint i = 0; i < addresses->len; i++)
        g_string_append_printf(all, "%s%s", i > 0 ? ", " : "", (const char *)g_ptr_array_index(addresses, i));
    return g_string_free(all, FALSE);
}

/* Steps 36 to 39. */
static gboolean confirm_dispatch(Work *work, const DmLetter *letter, const GPtrArray *recipients, GError **error)
{
    if (!(letter->options & DM_OPTION_DISPATCH))
        return TRUE;
    g_autofree char *about = join(recipients);
    const DmConfirmation confirmation = {DM_CONFIRM_DISPATCH, work->delivery->account->provider, letter, about, 0};
    return dm_arrival_of_system_letter(work->post, dm_confirmation_make(&confirmation, work->post, error),
                                       letter->answer_to, NULL, error);
}

/* Makes one De-Mail for `recipients` and sends it. */
static gboolean send_copy(Work *work, const GPtrArray *bcc, const char *message_id, const GPtrArray *recipients,
                          GError **error)
{
    g_autoptr(DmLetter) letter = make_letter(work, bcc, message_id, error);
    if (!letter || !dm_post_keep_sent(work->post, letter, work->delivery->account, work->id, recipients, error) ||
        !confirm_dispatch(work, letter, recipients, error))
        return FALSE;
    work->id = NULL;
    for (guint i = 0; i < recipients->len; i++) {
        if (!dm_arrival(work->post, letter, g_ptr_array_index(recipients, i), error))
            return FALSE;
    }
    return TRUE;
}

static gboolean send_visible(Work *work, GError **error)
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
    return send_copy(work, none, d->message_id, visible, error);
}

/* Every bcc recipient gets a copy with a message id and a hash of its own (PVD IO 3.1.8, PVD FU step 29). */
static gboolean send_bcc(Work *work, GError **error)
{
    const DmDelivery *d = work->delivery;
    for (guint i = 0; i < d->recipients->len; i++) {
        char *recipient = g_ptr_array_index(d->recipients, i);
        if (!is_bcc(work, recipient))
            continue;
        g_autofree char *id = dm_stamp_new_id(error);
        if (!id)
            return FALSE;
        g_autofree char *message_id = g_strdup_printf("%s@%s", id, d->account->provider);
        g_autoptr(GPtrArray) alone = g_ptr_array_new();
        g_ptr_array_add(alone, recipient);
        if (!send_copy(work, alone, message_id, alone, error))
            return FALSE;
    }
    return TRUE;
}

gboolean dm_delivery_run(const DmDelivery *delivery, DmCommit *commit, GError **error)
{
    g_autoptr(DmPost) post = dm_post_open(delivery->sandbox, error);
    if (!post)
        return FALSE;
    g_autoptr(GHashTable) bcc = bcc_of(delivery->intent);
    gboolean first = !dm_store_find(delivery->sandbox->store, NULL, delivery->id);
    Work work = {delivery, post, bcc, first ? delivery->id : NULL};
    return send_visible(&work, error) && send_bcc(&work, error) && dm_post_commit(post, commit, error);
}
