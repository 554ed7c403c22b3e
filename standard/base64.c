#include "standard/base64.h"

#include <openssl/evp.h>
#include <string.h>

#define ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

static char *without_blanks(const char *text)
{
    GString *out = g_string_sized_new(strlen(text));

    for (; *text != '\0'; text++) {
        if (strchr(" \t\r\n", *text) == NULL)
            g_string_append_c(out, *text);
    }
    return g_string_free(out, FALSE);
}

GBytes *dm_base64_read(const char *text)
{
    g_autofree char *plain = without_blanks(text);
    gsize length = strlen(plain);
    gsize data = strspn(plain, ALPHABET);
    gsize padding = strspn(plain + data, "=");

    if (data == 0 || data + padding != length || length % 4 != 0 || padding > 2 || length > G_MAXINT)
        return NULL;
    g_autofree guint8 *bytes = g_malloc(length / 4 * 3);
    int decoded = EVP_DecodeBlock(bytes, (const guint8 *)plain, (int)length);
    if (decoded < 0)
        return NULL;
    return g_bytes_new_take(g_steal_pointer(&bytes), (gsize)decoded - padding);
}

char *dm_base64_fold(const void *data, gsize length, gsize first, gsize width)
{
    g_autofree char *plain = g_base64_encode(data, length);
    GString *out = g_string_new(NULL);
    gsize room = first;

    for (const char *at = plain; *at != '\0'; room = width) {
        gsize step = MIN(strlen(at), room);
        g_string_append_len(out, at, (gssize)step);
        at += step;
        if (*at != '\0')
            g_string_append(out, "\n ");
    }
    return g_string_free(out, FALSE);
}
