#include "poller/incoming_header.h"

#include "common/address.h"
#include "common/demail.h"
#include "poller/fields.h"

#include <string.h>

#define FIELD_RESULTS "Authentication-Results"
#define METHOD        "x-demail"
#define SUBJECT_MAX   300 /* characters of a certificate's subject */

static const char *auth_level(const DmHeaders *headers)
{
    g_autofree char *text = dm_fields_text(headers, DM_FIELD_AUTH_LEVEL);

    if (g_ascii_strcasecmp(text, "high") == 0)
        return "high";
    return g_ascii_strcasecmp(text, "normal") == 0 ? "normal" : "unknown";
}

/* As a quoted string of printable ASCII. */
static char *quote(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_autofree char *ascii = g_str_to_ascii(valid, "de");
    GString *quoted = g_string_new("\"");

    for (gsize i = 0; ascii[i] != '\0' && i < SUBJECT_MAX; i++) {
        if (ascii[i] == '"' || ascii[i] == '\\')
            g_string_append_c(quoted, '\\');
        g_string_append_c(quoted, g_ascii_isprint(ascii[i]) ? ascii[i] : ' ');
    }
    g_string_append_c(quoted, '"');
    return g_string_free(quoted, FALSE);
}

static char *make_status(const DmIncomingMark *mark)
{
    const char *signer = dm_judgement_signer(mark->judgement);
    g_autofree char *signed_by = signer ? quote(signer) : g_strdup("no");
    g_autofree char *options = dm_options_format(dm_fields_options(mark->demail));
    g_autofree char *reasons = dm_judgement_reasons(mark->judgement, ",\n ");

    return g_strdup_printf("verified=%s;\n signed=%s;\n auth-level=%s; options=%s%s%s%s",
                           dm_judgement_word(mark->judgement), signed_by, auth_level(mark->demail), options,
                           dm_judgement_from_differs(mark->judgement) ? ";\n from=differs" : "",
                           reasons[0] != '\0' ? ";\n reason=" : "", reasons);
}

/* RFC 8601 2.2. The comment tells people what kind of pass it is; programs read X-Demail-Status. */
static char *make_results(const DmIncomingMark *mark)
{
    g_autofree char *sender = dm_fields_address(mark->demail, DM_FIELD_SENDER);
    g_autofree char *reasons = dm_judgement_reasons(mark->judgement, ",\n ");
    GString *text = g_string_new(mark->authserv_id);

    g_string_append_printf(text, ";\n " METHOD "=%s", dm_judgement_word(mark->judgement));
    if (dm_judgement_signer(mark->judgement))
        g_string_append(text, " (signed)");
    else if (mark->judgement->verified == DM_VERIFIED_PASS)
        g_string_append(text, " (hash)");
    if (reasons[0] != '\0')
        g_string_append_printf(text, "\n reason=\"%s\"", reasons);
    if (sender && dm_address_is_plain(sender))
        g_string_append_printf(text, "\n header.x-de-mail-sender=%s", sender);
    return g_string_free(text, FALSE);
}

static void prefix_subject(DmHeaders *headers, const char *prefix)
{
    const char *blank = g_str_has_suffix(prefix, " ") ? "" : " ";

    for (guint i = 0; i < dm_headers_length(headers); i++) {
        if (g_ascii_strcasecmp(dm_headers_at(headers, i)->name, "Subject") != 0)
            continue;

        g_autofree char *subject = dm_header_decode(dm_headers_at(headers, i)->value);
        g_autofree char *marked = g_strconcat(prefix, blank, subject, NULL);
        g_autofree char *value = dm_header_encode("Subject", marked);

        if (!g_str_has_prefix(subject, prefix))
            dm_headers_set_at(headers, i, value);
        return;
    }

    g_autofree char *value = dm_header_encode("Subject", prefix);

    dm_headers_prepend(headers, "Subject", value);
}

/* What stands right already is left alone. */
static void set_thread(DmHeaders *headers, const char *message_id)
{
    static const char *const fields[] = {"In-Reply-To", "References"};

    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        g_autofree char *present = dm_fields_text(headers, fields[i]);

        if (dm_headers_count(headers, fields[i]) == 1 && strstr(present, message_id))
            continue;
        dm_headers_remove(headers, fields[i]);
        dm_headers_prepend(headers, fields[i], message_id);
    }
}

void dm_incoming_mark(DmHeaders *headers, const DmIncomingMark *mark)
{
    g_autofree char *status = make_status(mark);
    g_autofree char *results = make_results(mark);

    dm_headers_remove_prefix(headers, DM_FIELD_OWN_PREFIX);
    dm_headers_remove(headers, FIELD_RESULTS);
    if (mark->subject_prefix[0] != '\0')
        prefix_subject(headers, mark->subject_prefix);
    if (mark->thread)
        set_thread(headers, mark->thread);
    if (mark->redelivered)
        dm_headers_prepend(headers, DM_FIELD_REDELIVERED, "yes");
    dm_headers_prepend(headers, DM_FIELD_STATUS, status);
    dm_headers_prepend(headers, FIELD_RESULTS, results);
}
