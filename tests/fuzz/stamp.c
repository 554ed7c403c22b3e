/* The stamp: none that comes from outside is believed, and ours holds for any header. */
#include "common/stamp.h"

#include "common/demail.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define SENDER "max@gemeinde.example"
#define TO     "erika@muster.de-mail.de"

static GBytes *key;
static GBytes *known_key;

void fuzz_start(void)
{
    guint8 secret[DM_STAMP_KEY_MIN];

    for (gsize i = 0; i < sizeof secret; i++)
        secret[i] = (guint8)g_random_int();
    key = g_bytes_new(secret, sizeof secret);
    memset(secret, 'k', sizeof secret);
    known_key = g_bytes_new(secret, sizeof secret);
}

static gboolean verify(GBytes *with, const DmHeaders *headers)
{
    g_autoptr(GError) error = NULL;
    DmStamp stamp = {0};
    gboolean good = dm_stamp_verify(with, headers, SENDER, 0, &stamp, &error);

    FUZZ_CHECK(good == (error == NULL));
    /* Only one that is good can be from the future. */
    FUZZ_CHECK(good || error->code == DM_ERROR_PERMANENT || (with == known_key && error->code == DM_ERROR_TEMPORARY));
    if (good && with == key) {
        FUZZ_CHECK(dm_stamp_covers(with, &stamp, TO));
        FUZZ_CHECK(!dm_stamp_covers(with, &stamp, "otto@muster.de-mail.de"));
    }
    dm_stamp_clear(&stamp);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(DmHeaders) headers = dm_headers_parse((const char *)data, size, NULL);
    g_autoptr(GPtrArray) recipients = g_ptr_array_new();

    if (headers == NULL)
        return 0;
    FUZZ_CHECK(!verify(key, headers));
    verify(known_key, headers);
    g_ptr_array_add(recipients, (gpointer)TO);
    dm_headers_remove(headers, DM_FIELD_STAMP);
    g_autofree char *text = dm_stamp_make(key, "0123456789abcdef0123456789abcdef", "4QXYZ", "gemeinde", "Amt 32",
                                          1772452800, recipients, SENDER, headers, NULL);
    FUZZ_CHECK(text != NULL);
    dm_headers_prepend(headers, DM_FIELD_STAMP, text);
    FUZZ_CHECK(verify(key, headers));
    FUZZ_CHECK(!verify(known_key, headers));
    return 0;
}
