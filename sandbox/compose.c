#include "sandbox/compose.h"

#include "common/demail.h"
#include "common/header.h"

#include <string.h>

typedef struct {
    char **to;
    char **cc;
    char **bcc;
} Recipients;

static void recipients_clear(Recipients *recipients)
{
    g_strfreev(recipients->to);
    g_strfreev(recipients->cc);
    g_strfreev(recipients->bcc);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Recipients, recipients_clear)

static gboolean wrong(GError **error, const char *what)
{
    g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT, "%s", what);
    return FALSE;
}

static gboolean read_recipients(const json_t *order, Recipients *recipients, GError **error)
{
    recipients->to = dm_json_to_list(json_object_get(order, "to"), DM_ENVELOPE_RECIPIENTS_MAX);
    recipients->cc = dm_json_to_list(json_object_get(order, "cc"), DM_ENVELOPE_RECIPIENTS_MAX);
    recipients->bcc = dm_json_to_list(json_object_get(order, "bcc"), DM_ENVELOPE_RECIPIENTS_MAX);
    if (!recipients->to || !recipients->cc || !recipients->bcc)
        return wrong(error, "\"to\", \"cc\" and \"bcc\" must be lists of addresses");
    return TRUE;
}

static DmEnvelope *make_envelope(const json_t *order, const Recipients *recipients, GError **error)
{
    GStrvBuilder *builder = g_strv_builder_new();
    g_strv_builder_addv(builder, (const char **)recipients->to);
    g_strv_builder_addv(builder, (const char **)recipients->cc);
    g_strv_builder_addv(builder, (const char **)recipients->bcc);
    g_auto(GStrv) all = g_strv_builder_end(builder);
    g_strv_builder_unref(builder);
    const char *from = dm_json_text(order, "from", "");
    if (!*from || !all[0]) {
        wrong(error, "\"from\" and at least one recipient are needed");
        return NULL;
    }
    return dm_envelope_new(from, all, dm_json_text(order, "private_id", ""));
}

static gboolean add(DmHeaders *headers, const char *name, const char *text, GError **error)
{
    g_autofree char *value = g_strconcat(" ", text, NULL);
    return dm_headers_append(headers, name, value, error);
}

static gboolean add_addresses(DmHeaders *headers, const char *name, char **list, GError **error)
{
    g_autofree char *text = g_strjoinv(",\n ", list);
    return !*text || add(headers, name, text, error);
}

static gboolean add_options(DmHeaders *headers, const json_t *options, GError **error)
{
    for (guint i = 0; i < DM_OPTION_COUNT; i++) {
        gboolean set = json_is_true(json_object_get(options, dm_option_word(i)));
        if (set && !add(headers, dm_option_field(i), "yes", error))
            return FALSE;
    }
    return TRUE;
}

static GString *write_draft(const json_t *order, Recipients *recipients, GError **error)
{
    g_autoptr(DmHeaders) headers = dm_headers_new();
    g_autofree char *subject = dm_header_encode("Subject", dm_json_text(order, "subject", ""));
    const char *text = dm_json_text(order, "text", "");
    if (!add(headers, "From", dm_json_text(order, "from", ""), error) ||
        !add_addresses(headers, "To", recipients->to, error) || !add_addresses(headers, "Cc", recipients->cc, error) ||
        !add(headers, "Subject", subject, error) || !add_options(headers, json_object_get(order, "options"), error) ||
        !add(headers, "MIME-Version", "1.0", error) ||
        !add(headers, "Content-Type", "text/plain; charset=utf-8", error) ||
        !add(headers, "Content-Transfer-Encoding", "8bit", error))
        return NULL;
    GString *draft = g_string_new(NULL);
    dm_headers_write(headers, draft);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (gsize i = 0; lines[i]; i++)
        g_string_append_printf(draft, "\r\n%s", g_strchomp(lines[i]));
    g_string_append(draft, "\r\n");
    return draft;
}

static GString *decode_draft(const char *base64, GError **error)
{
    gsize length = 0;
    g_autofree guchar *bytes = g_base64_decode(base64, &length);
    if (length == 0) {
        wrong(error, "\"message\" must be a whole draft in base64");
        return NULL;
    }
    return g_string_new_len((const char *)bytes, (gssize)length);
}

DmEnvelope *dm_compose(const json_t *order, GString **draft, GError **error)
{
    g_auto(Recipients) recipients = {0};
    if (!read_recipients(order, &recipients, error))
        return NULL;
    g_autoptr(DmEnvelope) envelope = make_envelope(order, &recipients, error);
    if (!envelope)
        return NULL;
    const char *message = dm_json_text(order, "message", NULL);
    *draft = message ? decode_draft(message, error) : write_draft(order, &recipients, error);
    return *draft ? g_steal_pointer(&envelope) : NULL;
}
