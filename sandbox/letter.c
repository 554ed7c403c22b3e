#include "sandbox/letter.h"

#include "common/demail.h"

char *dm_letter_first_address(const DmHeaders *headers, const char *name)
{
    const char *value = dm_headers_get(headers, name, 0);
    g_autoptr(GPtrArray) mailboxes = value ? dm_header_mailboxes(value, NULL) : NULL;
    if (!mailboxes || mailboxes->len == 0)
        return NULL;
    const DmMailbox *first = g_ptr_array_index(mailboxes, 0);
    return g_strdup(first->address);
}

static char *unfolded(const DmHeaders *headers, const char *name)
{
    const char *value = dm_headers_get(headers, name, 0);
    return dm_header_unfold(value ? value : "");
}

static guint read_options(const DmHeaders *headers)
{
    guint options = 0;
    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        g_autofree char *word = unfolded(headers, dm_option_field(i));
        if (g_str_equal(word, "yes"))
            options |= 1U << i;
    }
    return options;
}

DmLetter *dm_letter_new(DmHeaders *headers, const DmSlice *body)
{
    DmLetter *letter = g_new0(DmLetter, 1);
    letter->headers = headers;
    dm_slice_set(&letter->body, body->file, body->offset, body->length);
    letter->type = unfolded(headers, DM_FIELD_MESSAGE_TYPE);
    letter->sender = unfolded(headers, DM_FIELD_SENDER);
    letter->answer_to = dm_letter_first_address(headers, "Reply-To");
    if (!letter->answer_to)
        letter->answer_to = g_strdup(letter->sender);
    const char *private_id = dm_headers_get(headers, DM_FIELD_PRIVATE_ID, 0);
    if (private_id)
        letter->private_id = g_strdup(*private_id == ' ' ? private_id + 1 : private_id);
    letter->private_id_text = dm_header_decode(private_id ? private_id : "");
    letter->options = read_options(headers);
    return letter;
}

void dm_letter_free(DmLetter *letter)
{
    if (!letter)
        return;
    dm_headers_free(letter->headers);
    g_free(letter->body.file);
    g_free(letter->type);
    g_free(letter->sender);
    g_free(letter->answer_to);
    g_free(letter->private_id);
    g_free(letter->private_id_text);
    g_free(letter);
}

gboolean dm_letter_is_forwarded(const DmLetter *letter)
{
    return dm_headers_get(letter->headers, "Resent-From", 0) != NULL;
}
