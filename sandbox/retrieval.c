#include "sandbox/retrieval.h"

#include "common/log.h"
#include "sandbox/arrival.h"
#include "sandbox/confirmation.h"
#include "sandbox/post.h"

/* The letter that the stored message is. */
static DmLetter *read_letter(DmSandbox *sandbox, const DmMessage *message, GError **error)
{
    g_autoptr(DmMessageReader) reader = dm_message_reader_open(message, dm_store_data_dir(sandbox->store), error);
    if (!reader)
        return NULL;
    gsize length = (gsize)message->header.length;
    g_autofree char *block = g_malloc(length);
    for (gsize got = 0; got < length;) {
        gssize count = dm_message_reader_read(reader, (gint64)got, block + got, length - got);
        if (count <= 0) {
            g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s: can't be read; the state directory is not complete",
                        message->header.file);
            return NULL;
        }
        got += (gsize)count;
    }
    DmHeaders *headers = dm_headers_parse(block, length - 2, error); /* without the empty line */
    if (!headers)
        return NULL;
    dm_headers_remove(headers, DM_FIELD_ENVELOPE_TO);
    return dm_letter_new(headers, &message->body);
}

static gboolean confirm(DmPost *post, const DmMessage *message, GError **error)
{
    DmSandbox *sandbox = dm_post_sandbox(post);
    g_autoptr(DmLetter) letter = read_letter(sandbox, message, error);
    if (!letter)
        return FALSE;
    const DmConfirmation confirmation = {
        .kind = DM_CONFIRM_RETRIEVE,
        .provider = dm_accounts_provider(sandbox->accounts, message->recipients[0]),
        .original = letter,
        .about = message->retrieve_for,
        .delivered = message->received,
    };
    return dm_arrival_of_system_letter(post, dm_confirmation_make(&confirmation, post, error), letter->answer_to,
                                       message->retrieve_for, error);
}

static gboolean confirm_all(DmSandbox *sandbox, const DmAccount *account, GError **error)
{
    g_autoptr(GPtrArray) due = dm_store_awaiting(sandbox->store, account->name);
    if (due->len == 0)
        return TRUE;
    g_autoptr(DmPost) post = dm_post_open(sandbox, error);
    if (!post)
        return FALSE;
    for (guint i = 0; i < due->len; i++) {
        if (!confirm(post, g_ptr_array_index(due, i), error))
            return FALSE;
    }
    DmCommit commit = {.account = account->name, .confirmed = due};
    if (!dm_post_commit(post, &commit, error))
        return FALSE;
    dm_log(DM_LOG_INFO, "retrieved", DM_S("account", account->name), DM_N("messages", due->len));
    return TRUE;
}

gboolean dm_retrieval_login(DmSandbox *sandbox, const DmAccount *account, GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&sandbox->logins);
    return confirm_all(sandbox, account, error);
}
