#include "common/stamp.h"

#include "common/address.h"
#include "common/demail.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/random.h>

#define MAC_LENGTH    32
#define CLOCK_SKEW    300 /* seconds that two machines may differ */
#define STAMP_VERSION "1"
#define UNIT_LINE     70U
#define TIME_BYTES    6 /* of an id: milliseconds since the epoch */

void dm_stamp_clear(DmStamp *stamp)
{
    g_clear_pointer(&stamp->id, g_free);
    g_clear_pointer(&stamp->queue_id, g_free);
    g_clear_pointer(&stamp->tenant, g_free);
    g_clear_pointer(&stamp->unit, g_free);
    g_clear_pointer(&stamp->tags, g_hash_table_unref);
    stamp->time = 0;
}

static char *to_hex(const guint8 *bytes, gsize length)
{
    static const char digits[] = "0123456789abcdef";
    char *hex = g_new(char, 2 * length + 1);

    for (gsize i = 0; i < length; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[2 * length] = '\0';
    return hex;
}

char *dm_stamp_new_id(GError **error)
{
    guint64 now = GUINT64_TO_BE((guint64)(g_get_real_time() / 1000));
    guint8 bytes[DM_STAMP_ID_LENGTH / 2];

    memcpy(bytes, (const guint8 *)&now + sizeof now - TIME_BYTES, TIME_BYTES);
    /* OpenSSL would set up a generator for each thread, and libmilter makes one for nearly each message. */
    if (getentropy(bytes + TIME_BYTES, sizeof bytes - TIME_BYTES) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "no random numbers to be had: %s", g_strerror(errno));
        return NULL;
    }
    return to_hex(bytes, sizeof bytes);
}

static char *mac_of(GBytes *key, const void *data, gsize length)
{
    guint8 mac[EVP_MAX_MD_SIZE];
    unsigned int mac_length = 0;
    gsize key_length = 0;
    const void *key_data = g_bytes_get_data(key, &key_length);

    if (HMAC(EVP_sha256(), key_data, (int)key_length, data, length, mac, &mac_length) == NULL ||
        mac_length != MAC_LENGTH)
        return NULL;
    return to_hex(mac, mac_length);
}

static char *tag_of(GBytes *key, const char *id, const char *recipient)
{
    g_autofree char *folded = dm_address_key(recipient);
    g_autoptr(GString) text = g_string_new(id);

    g_string_append_c(text, '\0');
    g_string_append(text, folded);
    char *tag = mac_of(key, text->str, text->len);
    if (tag != NULL)
        tag[DM_STAMP_TAG_LENGTH] = '\0';
    return tag;
}

#define BLANKS " \t\r\n"

static void append_without(GString *out, const char *text, const char *left_out)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (strchr(left_out, *c) == NULL)
            g_string_append_c(out, *c);
    }
    g_string_append_c(out, '\n');
}

static gboolean is_covered_field(const char *name)
{
    return g_ascii_strncasecmp(name, DM_FIELD_PREFIX, strlen(DM_FIELD_PREFIX)) == 0 ||
           g_ascii_strcasecmp(name, "From") == 0 || g_ascii_strcasecmp(name, "Subject") == 0 ||
           g_ascii_strcasecmp(name, "Message-ID") == 0;
}

typedef struct {
    char *name;
    const char *value;
    guint position;
} Covered;

static void clear_covered(gpointer data)
{
    g_free(((Covered *)data)->name);
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    const Covered *left = a;
    const Covered *right = b;
    int order = strcmp(left->name, right->name);

    if (order != 0)
        return order;
    return left->position < right->position ? -1 : left->position > right->position;
}

static void append_fields(GString *text, const DmHeaders *headers)
{
    g_autoptr(GArray) covered = g_array_new(FALSE, FALSE, sizeof(Covered));

    g_array_set_clear_func(covered, clear_covered);
    for (guint i = 0; i < dm_headers_length(headers); i++) {
        const DmHeader *field = dm_headers_at(headers, i);
        if (!is_covered_field(field->name))
            continue;
        Covered one = {g_ascii_strdown(field->name, -1), field->value, i};
        g_array_append_val(covered, one);
    }
    g_array_sort(covered, by_name);
    for (guint i = 0; i < covered->len; i++) {
        const Covered *one = &g_array_index(covered, Covered, i);
        g_string_append_printf(text, "%s:", one->name);
        append_without(text, one->value, strcmp(one->name, "from") == 0 ? BLANKS "\"\\" : BLANKS);
    }
}

/* The mac over the stamp's own fields (`stamped`, any folding), the sender and the message's fields. */
static char *message_mac(GBytes *key, const char *stamped, const char *sender, const DmHeaders *headers)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *folded = dm_address_key(sender);

    append_without(text, stamped, BLANKS);
    g_string_append_printf(text, "sender:%s\n", folded);
    append_fields(text, headers);
    return mac_of(key, text->str, text->len);
}

/* Four tags a line keep the field below 78 characters. */
static void append_tags(GString *out, GPtrArray *tags)
{
    for (guint i = 0; i < tags->len; i++) {
        if (i > 0)
            g_string_append(out, i % 4 == 0 ? ",\n " : ",");
        g_string_append(out, g_ptr_array_index(tags, i));
    }
}

/* Lines of 70 keep the field below 78 characters; blanks mean nothing in a stamp. */
static void append_unit(GString *out, const char *unit)
{
    g_autofree char *valid = g_utf8_make_valid(unit, -1);
    gsize length = strlen(valid);

    if (length > DM_STAMP_UNIT_MAX)
        *g_utf8_find_prev_char(valid, valid + DM_STAMP_UNIT_MAX + 1) = '\0';
    g_autofree char *escaped = g_uri_escape_string(valid, NULL, FALSE);
    length = strlen(escaped);
    g_string_append(out, " unit=");
    for (gsize at = 0; at < length; at += UNIT_LINE) {
        g_string_append_len(out, escaped + at, (gssize)MIN(length - at, UNIT_LINE));
        g_string_append(out, at + UNIT_LINE < length ? "\n " : ";\n");
    }
}

char *dm_stamp_make(GBytes *key, const char *id, const char *queue_id, const char *tenant, const char *unit,
                    gint64 time, GPtrArray *recipients, const char *sender, const DmHeaders *headers, GError **error)
{
    g_autoptr(GPtrArray) tags = g_ptr_array_new_with_free_func(g_free);

    if (recipients->len > DM_STAMP_RECIPIENTS_MAX) {
        g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT, "more than %d recipients", DM_STAMP_RECIPIENTS_MAX);
        return NULL;
    }
    for (guint i = 0; i < recipients->len; i++)
        g_ptr_array_add(tags, tag_of(key, id, g_ptr_array_index(recipients, i)));

    gint64 now = time != 0 ? time : g_get_real_time() / G_USEC_PER_SEC;
    GString *stamp = g_string_new(NULL);
    g_string_printf(stamp, "v=" STAMP_VERSION "; id=%s;\n q=%s; tenant=%s;\n", id, queue_id, tenant);
    if (unit != NULL && unit[0] != '\0')
        append_unit(stamp, unit);
    g_string_append_printf(stamp, " t=%" G_GINT64_FORMAT ";\n rcpt=", now);
    append_tags(stamp, tags);
    g_autofree char *mac = message_mac(key, stamp->str, sender, headers);
    if (mac == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "the HMAC of the stamp can't be computed");
        g_string_free(stamp, TRUE);
        return NULL;
    }
    g_string_append_printf(stamp, ";\n mac=%s", mac);
    return g_string_free(stamp, FALSE);
}

/* "name=" at the start of the next element, its value copied; the element ends at ";" or at the end. */
static char *take_element(const char **rest, const char *name)
{
    const char *at = *rest + strspn(*rest, " \t\r\n");
    gsize length = strlen(name);

    if (strncmp(at, name, length) != 0 || at[length] != '=')
        return NULL;
    at += length + 1;
    gsize end = strcspn(at, ";");
    *rest = at[end] == ';' ? at + end + 1 : at + end;
    GString *value = g_string_sized_new(end);
    for (gsize i = 0; i < end; i++) {
        if (strchr(" \t\r\n", at[i]) == NULL)
            g_string_append_c(value, at[i]);
    }
    return g_string_free(value, FALSE);
}

static gboolean is_hex(const char *text, gsize length)
{
    return strlen(text) == length && strspn(text, "0123456789abcdef") == length;
}

/* The unit of a stamp, none if there is no such element. NULL if it is not what append_unit() writes. */
static char *parse_unit(const char *element)
{
    g_autofree char *unit = g_uri_unescape_string(element != NULL ? element : "", NULL);

    if (unit == NULL || strlen(unit) > DM_STAMP_UNIT_MAX || !g_utf8_validate(unit, -1, NULL))
        return NULL;
    return g_steal_pointer(&unit);
}

/* Reads the elements in their fixed order; FALSE if the value is no stamp. `*mac` is the caller's to free. */
static gboolean parse_stamp(const char *value, DmStamp *stamp, char **mac)
{
    const char *rest = value;
    g_autofree char *version = take_element(&rest, "v");

    stamp->id = take_element(&rest, "id");
    stamp->queue_id = take_element(&rest, "q");
    stamp->tenant = take_element(&rest, "tenant");
    g_autofree char *unit = take_element(&rest, "unit");
    g_autofree char *time = take_element(&rest, "t");
    g_autofree char *tags = take_element(&rest, "rcpt");
    *mac = take_element(&rest, "mac");
    stamp->unit = parse_unit(unit);
    if (version == NULL || stamp->id == NULL || stamp->queue_id == NULL || stamp->tenant == NULL ||
        stamp->unit == NULL || time == NULL || tags == NULL || *mac == NULL)
        return FALSE;
    if (strcmp(version, STAMP_VERSION) != 0 || !is_hex(stamp->id, DM_STAMP_ID_LENGTH) ||
        !is_hex(*mac, (gsize)2 * MAC_LENGTH) || rest[strspn(rest, " \t\r\n")] != '\0')
        return FALSE;
    stamp->tags = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) list = g_strsplit(tags, ",", -1);
    for (char **tag = list; *tag != NULL; tag++)
        g_hash_table_add(stamp->tags, g_strdup(*tag));
    return g_ascii_string_to_signed(time, 10, 1, G_MAXINT64, &stamp->time, NULL);
}

static gboolean refuse(DmStamp *stamp, GError **error, const char *why)
{
    dm_stamp_clear(stamp);
    g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT, "%s", why);
    return FALSE;
}

/* Nobody forged it, so it is a clock that is wrong, and the message must not be lost by that. */
static gboolean defer(DmStamp *stamp, GError **error)
{
    dm_stamp_clear(stamp);
    g_set_error(error, DM_ERROR, DM_ERROR_TEMPORARY, "the stamp is from the future; check the clocks");
    return FALSE;
}

gboolean dm_stamp_verify(GBytes *key, const DmHeaders *headers, const char *sender, gint64 max_age, DmStamp *stamp,
                         GError **error)
{
    g_autofree char *mac = NULL;
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;

    *stamp = (DmStamp){0};
    if (dm_headers_count(headers, DM_FIELD_STAMP) != 1)
        return refuse(stamp, error,
                      dm_headers_count(headers, DM_FIELD_STAMP) == 0
                          ? "the message bears no stamp; De-Mail must be submitted through demail-milter; let the "
                            "MTA call it for every way in, and send again"
                          : "the message bears more than one stamp; send it again");
    const char *value = dm_headers_get(headers, DM_FIELD_STAMP, 0);
    if (!parse_stamp(value, stamp, &mac))
        return refuse(stamp, error, "the stamp is malformed; send the message again");

    const char *end = g_strrstr(value, ";");
    g_autofree char *stamped = g_strndup(value, (gsize)(end - value));
    g_autofree char *expected = message_mac(key, stamped, sender, headers);
    if (expected == NULL || CRYPTO_memcmp(expected, mac, (gsize)2 * MAC_LENGTH) != 0)
        return refuse(stamp, error,
                      "the stamp does not fit this message, its sender or the stamp key; send the message again");
    if (stamp->time > now + CLOCK_SKEW)
        return defer(stamp, error);
    if (max_age > 0 && stamp->time < now - max_age)
        return refuse(stamp, error, "the stamp is older than stamp_max_age; send the message again");
    return TRUE;
}

/* The tags stand under the mac that was verified, so that nothing can be learnt from the time a look-up takes. */
gboolean dm_stamp_covers(GBytes *key, const DmStamp *stamp, const char *recipient)
{
    g_autofree char *tag = tag_of(key, stamp->id, recipient);

    return tag != NULL && g_hash_table_contains(stamp->tags, tag);
}
