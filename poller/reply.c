#include "poller/reply.h"

#define REPLY_MAX 480 /* bytes; RFC 5321 4.5.3.1.5 allows 512 with the line end */

/* The provider's codes; those that it may defer for have a 4 here. */
static const struct {
    const char *code;
    const char *enhanced;
} enhanced_codes[] = {
    {"unknown-recipient", "5.1.1"},
    {"recipient-not-demail", "5.1.2"},
    {"closed-account", "5.2.1"},
    {"blocked-account", "5.2.1"},
    {"too-large", "5.3.4"},
    {"service-ended", "5.3.2"},
    {"invalid-format", "5.6.0"},
    {"sender-not-yours", "5.7.1"},
    {"option-needs-high", "5.7.1"},
    {"authoritative-with-pseudonym", "5.7.1"},
    {"retrieve-not-permitted", "5.7.1"},
    {"malware", "5.7.1"},
    {"mailbox-full", "4.2.2"},
    {"daily-limit", "4.7.0"},
};

char *dm_reply_line(const char *prefix, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_autofree char *ascii = g_str_to_ascii(valid, "de");
    GString *line = g_string_new(prefix);

    g_string_append_c(line, ' ');
    for (const char *p = ascii; *p != '\0' && line->len < REPLY_MAX; p++)
        g_string_append_c(line, g_ascii_isprint(*p) ? *p : ' ');
    return g_string_free(line, FALSE);
}

/* The provider decides whether it is final (`reply_class`), its code what it is about. */
static char *prefix_for(const char *basic, char reply_class, const char *code)
{
    for (gsize i = 0; i < G_N_ELEMENTS(enhanced_codes); i++) {
        if (g_str_equal(enhanced_codes[i].code, code))
            return g_strdup_printf("%s %c%s", basic, reply_class, enhanced_codes[i].enhanced + 1);
    }
    return g_strdup_printf("%s %c.%s", basic, reply_class, reply_class == '5' ? "0.0" : "3.0");
}

static char *describe(const char *recipient, const char *verb, const DmSent *sent)
{
    return g_strdup_printf("<%s>: the De-Mail provider %s: %s%s%s", recipient, verb,
                           sent->code[0] != '\0' ? sent->code : "no reason given", sent->detail[0] != '\0' ? ": " : "",
                           sent->detail);
}

static char *dropped(const char *recipient)
{
    g_autofree char *text = g_strdup_printf(
        "<%s>: given up by the administrator; whether the De-Mail provider sent it is not known", recipient);

    return dm_reply_line("550 5.3.0", text);
}

char *dm_reply_sent(const char *recipient, const DmSent *sent)
{
    g_autofree char *text = NULL;
    g_autofree char *prefix = NULL;

    switch (sent->state) {
    case DM_SENT_ACCEPTED:
        prefix = g_strdup("250 2.0.0");
        text = g_strdup_printf("<%s>: accepted by the De-Mail provider, id %s", recipient, sent->provider_id);
        break;
    case DM_SENT_REFUSED:
        if (g_str_equal(sent->code, DM_CODE_DROPPED))
            return dropped(recipient);
        prefix = prefix_for("550", '5', sent->code);
        text = describe(recipient, "refused it", sent);
        break;
    case DM_SENT_DEFERRED:
        prefix = prefix_for("451", '4', sent->code);
        text = describe(recipient, "deferred it", sent);
        break;
    case DM_SENT_SUBMITTING:
        prefix = g_strdup("451 4.4.2");
        text = g_strdup_printf("<%s>: the De-Mail provider has not told yet what became of it", recipient);
        break;
    case DM_SENT_UNKNOWN:
        prefix = g_strdup("451 4.3.0");
        text = g_strdup_printf("<%s>: the De-Mail provider can't tell whether it sent it already; held until the "
                               "administrator decides",
                               recipient);
        break;
    }
    return dm_reply_line(prefix, text);
}
