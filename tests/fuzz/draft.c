/* The header in the queue becomes the draft's: nothing of ours gets out, and no value becomes a field. */
#include "poller/draft.h"

#include "common/demail.h"
#include "tests/fuzz/fuzz.h"

#include <gmime/gmime.h>
#include <string.h>

static char *const strip[] = {(char *)"User-Agent", NULL};
static char *const recipients[] = {(char *)"erika@muster.de-mail.de", (char *)"max@muster.de-mail.de", NULL};

void fuzz_start(void)
{
    g_mime_init();
}

static gboolean map(const char *email, char **demail, gpointer data, GError **error)
{
    g_autofree char *lower = g_ascii_strdown(email, -1);
    const char *at = strchr(lower, '@');

    (void)data;
    (void)error;
    *demail = NULL;
    if (at != NULL && g_str_equal(at, "@gemeinde.example"))
        *demail = g_strdup_printf("%.*s@gemeinde.de-mail.de", (int)(at - lower), lower);
    else if (at != NULL && g_str_equal(at, "@gemeinde.de-mail.de"))
        *demail = g_strdup(email);
    return TRUE;
}

static void check_draft(const DmHeaders *headers)
{
    static const char *const gone[] = {"Sender", "Bcc", "Resent-Bcc", "Return-Path", "Received", "User-Agent"};
    g_autoptr(GString) block = g_string_new(NULL);

    dm_headers_write(headers, block);
    g_autoptr(DmHeaders) again = dm_headers_parse(block->str, block->len, NULL);
    FUZZ_CHECK(again != NULL);
    FUZZ_CHECK(dm_headers_length(again) == dm_headers_length(headers));
    FUZZ_CHECK(dm_headers_count(again, "From") == 1);
    FUZZ_CHECK(dm_headers_count(again, DM_FIELD_SENDER) == 1);
    for (gsize i = 0; i < G_N_ELEMENTS(gone); i++)
        FUZZ_CHECK(dm_headers_count(again, gone[i]) == 0);
    for (guint i = 0; i < dm_headers_length(again); i++)
        FUZZ_CHECK(
            g_ascii_strncasecmp(dm_headers_at(again, i)->name, DM_FIELD_OWN_PREFIX, strlen(DM_FIELD_OWN_PREFIX)) != 0);
    g_autofree char *sender = dm_draft_sender(again, NULL);
    gboolean clean = FALSE;
    g_autoptr(GPtrArray) from = dm_header_mailboxes(dm_headers_get(again, "From", 0), &clean);
    FUZZ_CHECK(sender != NULL);
    FUZZ_CHECK(from->len == 1);
    FUZZ_CHECK(g_ascii_strcasecmp(((const DmMailbox *)g_ptr_array_index(from, 0))->address, sender) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const DmDraft draft = {"demail.invalid", strip, recipients, map, NULL};
    g_autoptr(DmHeaders) headers = dm_headers_parse((const char *)data, size, NULL);
    g_autoptr(GError) error = NULL;

    if (headers == NULL)
        return 0;
    if (dm_draft_make(&draft, headers, &error))
        check_draft(headers);
    else
        FUZZ_CHECK(error != NULL && error->code == DM_ERROR_PERMANENT);
    return 0;
}
