#include "poller/reply.h"

#define REPLY_MAX 480 /* bytes; RFC 5321 4.5.3.1.5 allows 512 with the line end */

/* In the texts, $1 and $2 stand for the words. */
static const struct {
    const char *code;
    const char *text[2]; /* by language */
} replies[DM_REPLY_COUNT] = {
    [DM_REPLY_UNAVAILABLE] = {"451 4.4.1",
                              {"the De-Mail provider can't be reached; the mail server tries again by itself",
                               "der De-Mail-Anbieter ist nicht erreichbar; der Mailserver versucht es von selbst "
                               "erneut"}},
    [DM_REPLY_BUSY] = {"451 4.3.2",
                       {"too many De-Mails at once; the mail server tries again by itself",
                        "zu viele De-Mails zugleich; der Mailserver versucht es von selbst erneut"}},
    [DM_REPLY_TWICE] = {"451 4.3.2",
                        {"the same De-Mail is being submitted already; the mail server tries again by itself",
                         "dieselbe De-Mail wird gerade eingeliefert; der Mailserver versucht es von selbst erneut"}},
    [DM_REPLY_INTERNAL] = {"451 4.3.0",
                           {"De-Mail can't be sent at the moment; the mail server tries again by itself",
                            "De-Mail kann zur Zeit nicht gesendet werden; der Mailserver versucht es von selbst "
                            "erneut"}},
    [DM_REPLY_BROKEN] = {"451 4.4.2",
                         {"the connection broke; the mail server tries again by itself",
                          "die Verbindung brach ab; der Mailserver versucht es von selbst erneut"}},
    [DM_REPLY_OPEN] = {"451 4.4.2",
                       {"the De-Mail provider has not told yet what became of it; it is asked again before anything is "
                        "sent",
                        "der De-Mail-Anbieter hat noch nicht mitgeteilt, was daraus wurde; er wird erneut gefragt, "
                        "bevor etwas gesendet wird"}},
    [DM_REPLY_HELD] =
        {"451 4.3.0",
         {"<$1>: the De-Mail provider can't tell whether it sent it already; held until the administrator "
          "decides",
          "<$1>: der De-Mail-Anbieter kann nicht sagen, ob er die De-Mail schon versandt hat; angehalten, bis "
          "die Administration entscheidet"}},
    [DM_REPLY_DROPPED] = {"550 5.3.0",
                          {"<$1>: given up by the administrator; whether the De-Mail provider sent it is not known",
                           "<$1>: von der Administration aufgegeben; ob der De-Mail-Anbieter sie versandt hat, ist "
                           "nicht bekannt"}},
    [DM_REPLY_NO_TENANT] = {"451 4.3.5",
                            {"the tenant of this De-Mail is not in the configuration; tell the administrator",
                             "der Mandant dieser De-Mail ist nicht eingerichtet; bitte die Administration "
                             "verständigen"}},
    [DM_REPLY_TOO_LARGE] = {"552 5.3.4",
                            {"the De-Mail provider takes at most $1 bytes, the message has $2; make it smaller",
                             "der De-Mail-Anbieter nimmt höchstens $1 Byte an, die Nachricht hat $2; bitte "
                             "verkleinern"}},
    [DM_REPLY_RECIPIENTS] = {"452 4.5.3", {"too many recipients at once", "zu viele Empfänger zugleich"}},
    [DM_REPLY_NOT_PLAIN] = {"550 5.1.3",
                            {"<$1>: a De-Mail address must be written plainly as local@domain",
                             "<$1>: eine De-Mail-Adresse muss einfach als name@domain geschrieben werden"}},
    [DM_REPLY_HEADER_TOO_LARGE] = {"554 5.3.4",
                                   {"the header of the message is too large; shorten it",
                                    "der Kopf der Nachricht ist zu groß; bitte kürzen"}},
    [DM_REPLY_UNREADABLE] = {"550 5.6.0",
                             {"no De-Mail can be made of this message: its header is unreadable; write it anew",
                              "aus dieser Nachricht kann keine De-Mail werden: ihr Kopf ist nicht lesbar; bitte neu "
                              "schreiben"}},
    [DM_REPLY_STAMP] = {"550 5.7.1",
                        {"the message did not come through the De-Mail gateway, or was changed after it; send it "
                         "again, and if that does not help tell the administrator",
                         "die Nachricht kam nicht durch das De-Mail-Gateway oder wurde danach verändert; bitte erneut "
                         "senden, und wenn das nicht hilft, die Administration verständigen"}},
    [DM_REPLY_STAMP_OLD] = {"550 5.7.1",
                            {"the message waited too long to be sent as De-Mail still; send it again",
                             "die Nachricht hat zu lange gewartet, um noch als De-Mail gesendet zu werden; bitte "
                             "erneut senden"}},
    [DM_REPLY_STAMP_FUTURE] = {"451 4.7.1",
                               {"a clock is wrong; the mail server tries again by itself",
                                "eine Uhr geht falsch; der Mailserver versucht es von selbst erneut"}},
    [DM_REPLY_NOT_STAMPED] =
        {"550 5.7.1",
         {"<$1>: this recipient did not pass the De-Mail gateway; send the De-Mail to it directly, "
          "not by an alias or a list",
          "<$1>: dieser Empfänger kam nicht durch das De-Mail-Gateway; bitte die De-Mail direkt "
          "an ihn senden, nicht über einen Alias oder Verteiler"}},
};

/* The provider's codes; those that it may defer for have a 4 here. */
static const struct {
    const char *code;
    const char *enhanced;
    const char *meaning[2];
} codes[] = {
    {"unknown-recipient", "5.1.1", {"the recipient is unknown", "der Empfänger ist unbekannt"}},
    {"recipient-not-demail", "5.1.2", {"the recipient has no De-Mail", "der Empfänger hat kein De-Mail"}},
    {"closed-account", "5.2.1", {"the recipient's account is closed", "das Konto des Empfängers ist geschlossen"}},
    {"blocked-account", "5.2.1", {"the account is blocked", "das Konto ist gesperrt"}},
    {"too-large", "5.3.4", {"the message is too large", "die Nachricht ist zu groß"}},
    {"service-ended", "5.3.2", {"the provider ended its service", "der Anbieter hat den Dienst eingestellt"}},
    {"invalid-format", "5.6.0", {"the message has an invalid format", "die Nachricht hat ein ungültiges Format"}},
    {"sender-not-yours",
     "5.7.1",
     {"the sender's address does not belong to the account", "die Absenderadresse gehört nicht zum Konto"}},
    {"option-needs-high",
     "5.7.1",
     {"an option needs a login at level high",
      "eine Versandoption verlangt eine Anmeldung auf dem Authentisierungsniveau hoch"}},
    {"authoritative-with-pseudonym",
     "5.7.1",
     {"a pseudonym can't be confirmed as sender", "ein Pseudonym kann nicht als Absender bestätigt werden"}},
    {"retrieve-not-permitted",
     "5.7.1",
     {"confirmation of retrieval is for authorities only", "die Abholbestätigung ist Behörden vorbehalten"}},
    {"malware", "5.7.1", {"malware was found", "es wurde Schadsoftware gefunden"}},
    {"mailbox-full", "4.2.2", {"the recipient's mailbox is full", "das Postfach des Empfängers ist voll"}},
    {"daily-limit", "4.7.0", {"the daily limit is reached", "die Tagesgrenze ist erreicht"}},
};

/* Which is broken only by an id or the provider's words, ours are short. */
static char *make_line(const char *code, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_autofree char *ascii = g_str_to_ascii(valid, "de");
    GString *line = g_string_new(code);

    g_string_append_c(line, ' ');
    for (const char *p = ascii; *p != '\0' && line->len < REPLY_MAX; p++)
        g_string_append_c(line, g_ascii_isprint(*p) ? *p : ' ');
    return g_string_free(line, FALSE);
}

char *dm_reply(DmReply reply, DmLanguage language, const char *first, const char *second)
{
    GString *text = g_string_new(NULL);

    for (const char *c = replies[reply].text[language]; *c != '\0'; c++) {
        if (c[0] == '$' && (c[1] == '1' || c[1] == '2'))
            g_string_append(text, *++c == '1' ? first : second);
        else
            g_string_append_c(text, *c);
    }

    char *line = make_line(replies[reply].code, text->str);
    g_string_free(text, TRUE);
    return line;
}

static gsize find_code(const char *code)
{
    gsize i = 0;

    while (i < G_N_ELEMENTS(codes) && !g_str_equal(codes[i].code, code))
        i++;
    return i;
}

/* The provider decides whether it is final, its code what it is about. */
static char *reply_of_provider(const char *recipient, const DmSent *sent, DmLanguage language)
{
    static const char *const verbs[2][2] = {
        {"the De-Mail provider refused it", "der De-Mail-Anbieter hat die De-Mail abgelehnt"},
        {"the De-Mail provider deferred it", "der De-Mail-Anbieter hat die De-Mail zurückgestellt"},
    };
    gboolean final = sent->state == DM_SENT_REFUSED;
    gsize i = find_code(sent->code);
    gboolean known = i < G_N_ELEMENTS(codes);
    g_autofree char *code = g_strdup_printf("%s %c%s", final ? "550" : "451", final ? '5' : '4',
                                            known ? codes[i].enhanced + 1 : (final ? ".0.0" : ".3.0"));
    GString *text = g_string_new(NULL);

    g_string_printf(text, "<%s>: %s", recipient, verbs[final ? 0 : 1][language]);
    if (known)
        g_string_append_printf(text, ": %s", codes[i].meaning[language]);
    if (sent->code[0] != '\0')
        g_string_append_printf(text, " (%s)", sent->code);
    if (sent->detail[0] != '\0')
        g_string_append_printf(text, ": %s", sent->detail);

    char *line = make_line(code, text->str);
    g_string_free(text, TRUE);
    return line;
}

char *dm_reply_sent(const char *recipient, const DmSent *sent, DmLanguage language)
{
    g_autofree char *text = NULL;

    switch (sent->state) {
    case DM_SENT_ACCEPTED:
        text = g_strdup_printf("<%s>: accepted by the De-Mail provider, id %s", recipient, sent->provider_id);
        return make_line("250 2.0.0", text);
    case DM_SENT_REFUSED:
        if (g_str_equal(sent->code, DM_CODE_DROPPED))
            return dm_reply(DM_REPLY_DROPPED, language, recipient, NULL);
        break;
    case DM_SENT_DEFERRED:
        break;
    case DM_SENT_SUBMITTING:
        return dm_reply(DM_REPLY_OPEN, language, NULL, NULL);
    case DM_SENT_UNKNOWN:
        return dm_reply(DM_REPLY_HELD, language, recipient, NULL);
    }
    return reply_of_provider(recipient, sent, language);
}
