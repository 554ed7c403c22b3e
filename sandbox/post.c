#include "sandbox/post.h"

#include "common/demail.h"
#include "common/stamp.h"
#include "sandbox/parts.h"

struct DmPost {
    DmSandbox *sandbox;
    DmParts *parts;
    GPtrArray *messages; /* of DmMessage * */
};

static void message_free(gpointer message)
{
    dm_message_free(message);
}

DmPost *dm_post_open(DmSandbox *sandbox, GError **error)
{
    DmParts *parts = dm_parts_open(sandbox->store, error);
    if (!parts)
        return NULL;
    DmPost *post = g_new0(DmPost, 1);
    post->sandbox = sandbox;
    post->parts = parts;
    post->messages = g_ptr_array_new_with_free_func(message_free);
    return post;
}

void dm_post_close(DmPost *post)
{
    if (!post)
        return;
    g_ptr_array_unref(post->messages);
    dm_parts_close(post->parts);
    g_free(post);
}

DmSandbox *dm_post_sandbox(const DmPost *post)
{
    return post->sandbox;
}

gboolean dm_post_keep(DmPost *post, const GByteArray *body, DmSlice *slice, GError **error)
{
    return dm_parts_add(post->parts, (const char *)body->data, body->len, slice, error);
}

/* Writes the header block, under Envelope-to if there is an address, and its empty line. */
static gboolean write_header(DmPost *post, const DmHeaders *headers, const char *address, DmSlice *slice,
                             GError **error)
{
    g_autoptr(GString) block = g_string_new(NULL);
    if (address)
        g_string_append_printf(block, DM_FIELD_ENVELOPE_TO ": %s\r\n", address);
    dm_headers_write(headers, block);
    g_string_append(block, "\r\n");
    return dm_parts_add(post->parts, block->str, block->len, slice, error);
}

static char **copy_list(const GPtrArray *list)
{
    GStrvBuilder *builder = g_strv_builder_new();
    for (guint i = 0; i < list->len; i++)
        g_strv_builder_add(builder, g_ptr_array_index(list, i));
    char **copy = g_strv_builder_end(builder);
    g_strv_builder_unref(builder);
    return copy;
}

/* A message without folder, header and recipients; NULL if there are no random numbers for its id. */
static DmMessage *new_message(const DmLetter *letter, const DmAccount *account, const char *id, GError **error)
{
    g_autofree char *own_id = id ? g_strdup(id) : dm_stamp_new_id(error);
    if (!own_id)
        return NULL;
    DmMessage *message = g_new0(DmMessage, 1);
    message->id = g_steal_pointer(&own_id);
    message->account = g_strdup(account->name);
    message->received = g_get_real_time() / G_USEC_PER_SEC;
    message->type = g_strdup(letter->type);
    message->private_id = g_strdup(letter->private_id_text);
    dm_slice_set(&message->body, letter->body.file, letter->body.offset, letter->body.length);
    return message;
}

gboolean dm_post_deliver(DmPost *post, const DmLetter *letter, const char *address, const char *recipient,
                         GError **error)
{
    const DmAccount *owner = dm_accounts_owner(post->sandbox->accounts, address);
    const char *const alone[] = {address, NULL};
    g_autoptr(DmMessage) message = new_message(letter, owner, NULL, error);
    if (!message)
        return FALSE;
    message->folder = DM_FOLDER_INBOX;
    if ((letter->options & DM_OPTION_RETRIEVE) && !dm_letter_is_forwarded(letter))
        message->retrieve_for = g_strdup(recipient);
    message->recipients = g_strdupv((char **)alone);
    if (!write_header(post, letter->headers, address, &message->header, error))
        return FALSE;
    g_ptr_array_add(post->messages, g_steal_pointer(&message));
    return TRUE;
}

gboolean dm_post_keep_sent(DmPost *post, const DmLetter *letter, const DmAccount *account, const char *id,
                           const GPtrArray *recipients, GError **error)
{
    g_autoptr(DmMessage) message = new_message(letter, account, id, error);
    if (!message)
        return FALSE;
    message->folder = DM_FOLDER_SENT;
    message->recipients = copy_list(recipients);
    if (!write_header(post, letter->headers, NULL, &message->header, error))
        return FALSE;
    g_ptr_array_add(post->messages, g_steal_pointer(&message));
    return TRUE;
}

gboolean dm_post_commit(DmPost *post, DmCommit *commit, GError **error)
{
    commit->messages = post->messages;
    gboolean done = dm_parts_sync(post->parts, error) && dm_store_commit(post->sandbox->store, commit, error);
    commit->messages = NULL;
    return done;
}
