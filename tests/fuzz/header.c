/* A header from anybody: fields, encoded words, address lists, the option tag and the marking in a subject. */
#include "common/header.h"

#include "common/demail.h"
#include "common/marking.h"
#include "common/options.h"
#include "tests/fuzz/fuzz.h"

#include <gmime/gmime.h>
#include <string.h>

static char *short_private[] = {(char *)"P", NULL};
static char *short_authoritative[] = {(char *)"AB", NULL};
static char *short_dispatch[] = {(char *)"VB", NULL};
static char *short_receipt[] = {(char *)"EB", NULL};
static char *short_retrieve[] = {(char *)"AH", NULL};
static char **const tokens[DM_OPTION_COUNT] = {short_private, short_authoritative, short_dispatch, short_receipt,
                                               short_retrieve};
static GPtrArray *prefixes;

void fuzz_start(void)
{
    g_mime_init();
    prefixes = g_ptr_array_new();
    g_ptr_array_add(prefixes, (gpointer) "[De-Mail]");
    g_ptr_array_add(prefixes, (gpointer) "De-Mail:");
}

static void check_same(const DmHeaders *a, const DmHeaders *b)
{
    FUZZ_CHECK(dm_headers_length(a) == dm_headers_length(b));
    for (guint i = 0; i < dm_headers_length(a); i++) {
        FUZZ_CHECK(g_str_equal(dm_headers_at(a, i)->name, dm_headers_at(b, i)->name));
        FUZZ_CHECK(g_str_equal(dm_headers_at(a, i)->value, dm_headers_at(b, i)->value));
    }
}

static void check_encoded(const char *text)
{
    g_autofree char *encoded = dm_header_encode("Subject", text);
    g_autoptr(DmHeaders) one = dm_headers_new();
    g_autoptr(GString) block = g_string_new(NULL);

    dm_headers_prepend(one, "Subject", encoded);
    dm_headers_write(one, block);
    g_autoptr(DmHeaders) again = dm_headers_parse(block->str, block->len, NULL);
    FUZZ_CHECK(again != NULL);
    FUZZ_CHECK(dm_headers_length(again) == 1);
    for (const char *c = encoded; *c != '\0'; c++)
        FUZZ_CHECK(*c == '\n' || *c == '\t' || g_ascii_isprint(*c));
}

static void read_subject(const char *text)
{
    g_autofree char *rest = dm_marking_remove(text, prefixes);
    DmSubjectTag tag;

    FUZZ_CHECK(rest == NULL || g_utf8_validate(rest, -1, NULL));
    dm_subject_tag_parse(tokens, text, &tag);
    FUZZ_CHECK((tag.rest != NULL) == (tag.tagged != FALSE));
    FUZZ_CHECK(!tag.tagged || strlen(tag.rest) < strlen(text));
    FUZZ_CHECK((tag.options & ~DM_OPTIONS_ALL) == 0);
    dm_subject_tag_clear(&tag);
}

static void read_value(const char *value)
{
    g_autofree char *line = dm_header_unfold(value);
    g_autofree char *text = dm_header_decode(value);
    gboolean clean = FALSE;
    g_autoptr(GPtrArray) mailboxes = dm_header_mailboxes(value, &clean);

    FUZZ_CHECK(strpbrk(line, "\r\n") == NULL);
    FUZZ_CHECK(g_utf8_validate(text, -1, NULL));
    for (guint i = 0; i < mailboxes->len; i++) {
        const DmMailbox *mailbox = g_ptr_array_index(mailboxes, i);
        FUZZ_CHECK(mailbox->address[0] != '\0');
        FUZZ_CHECK(strpbrk(mailbox->address, "\r\n") == NULL);
    }
    read_subject(text);
    check_encoded(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmHeaders) headers = dm_headers_parse((const char *)data, size, &error);
    g_autoptr(GString) block = g_string_new(NULL);

    if (headers == NULL) {
        FUZZ_CHECK(error != NULL);
        return 0;
    }
    dm_headers_write(headers, block);
    g_autoptr(DmHeaders) again = dm_headers_parse(block->str, block->len, NULL);
    FUZZ_CHECK(again != NULL);
    check_same(headers, again);
    for (guint i = 0; i < dm_headers_length(headers); i++)
        read_value(dm_headers_at(headers, i)->value);
    return 0;
}
