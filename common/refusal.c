#include "common/refusal.h"

#include <string.h>

#define WORD_MAX 128

/* In the texts, $1 and $2 stand for the words. */
static const struct {
    const char *rule;
    guint code;
    const char *status;
    const char *en;
    const char *de;
} refusals[DM_REFUSAL_COUNT] = {
    [DM_REFUSAL_UNTRUSTED] =
        {"untrusted", 550, "5.7.1",
         "$1: De-Mail is only accepted from our own users; log in to the mail server and send again",
         "$1: De-Mail wird nur von eigenen Nutzern angenommen; bitte am Mailserver anmelden und "
         "erneut senden"},
    [DM_REFUSAL_DISGUISED] = {"disguised", 550, "5.1.3",
                              "$1: a De-Mail address must be written plainly as local@domain",
                              "$1: eine De-Mail-Adresse muss einfach als name@domain geschrieben werden"},
    [DM_REFUSAL_INACTIVE] = {"inactive", 550, "5.1.2",
                             "$1: this domain's provider no longer offers De-Mail, says the list of providers; send by "
                             "another way",
                             "$1: der Anbieter dieser Domain bietet laut Anbieterliste kein De-Mail mehr an; bitte "
                             "einen anderen Weg waehlen"},
    [DM_REFUSAL_DIVERT_DOMAIN] = {"divert-domain", 550, "5.1.2",
                                  "$1: this domain is internal to the De-Mail gateway; use the De-Mail address itself",
                                  "$1: diese Domain ist dem De-Mail-Gateway vorbehalten; bitte die De-Mail-Adresse "
                                  "selbst verwenden"},
    [DM_REFUSAL_FROM_COUNT] = {"from-count", 550, "5.7.1",
                               "$1: a De-Mail needs exactly one From address; correct the From field",
                               "$1: eine De-Mail braucht genau eine Absenderadresse (From); bitte den Absender "
                               "korrigieren"},
    [DM_REFUSAL_FROM_NOT_ENVELOPE] = {"from-not-envelope", 550, "5.7.1",
                                      "From $1 is not the envelope sender $2; send De-Mail under your own address",
                                      "Absender $1 ist nicht der Absender $2 im Umschlag; bitte De-Mail unter der "
                                      "eigenen Adresse senden"},
    [DM_REFUSAL_FROM_NOT_LOGIN] = {"from-not-login", 550, "5.7.1",
                                   "From $1 may not be used by login $2; choose your own address or ask the "
                                   "administrator to add the login (sender_logins)",
                                   "Absender $1 darf vom Login $2 nicht verwendet werden; bitte die eigene Adresse "
                                   "waehlen oder den Login eintragen lassen (sender_logins)"},
    [DM_REFUSAL_NO_TENANT] = {"no-tenant", 550, "5.7.1",
                              "From $1 is in no domain that sends De-Mail here; choose another From address",
                              "Absender $1 gehoert zu keiner Domain, die hier De-Mail sendet; bitte eine andere "
                              "Absenderadresse waehlen"},
    [DM_REFUSAL_CLIENT] = {"client", 550, "5.7.1",
                           "client $1 may not submit De-Mail for $2; use the permitted mail server",
                           "Rechner $1 darf fuer $2 keine De-Mail einliefern; bitte den zugelassenen Mailserver "
                           "verwenden"},
    [DM_REFUSAL_NOT_LISTED] = {"not-listed", 550, "5.7.1",
                               "From $1 is not permitted to send De-Mail; ask the administrator for permission",
                               "Absender $1 darf keine De-Mail senden; bitte die Berechtigung bei der Administration "
                               "beantragen"},
    [DM_REFUSAL_NO_DEMAIL_ADDRESS] = {"no-demail-address", 550, "5.7.1",
                                      "From $1 has no De-Mail address; ask the administrator to assign one",
                                      "Absender $1 hat keine De-Mail-Adresse; bitte bei der Administration zuordnen "
                                      "lassen"},
    [DM_REFUSAL_DIRECTION] = {"direction", 550, "5.7.1", "$1 only receives De-Mail; send an e-mail instead",
                              "$1 kann De-Mail nur empfangen; bitte stattdessen eine E-Mail senden"},
    [DM_REFUSAL_PROVIDER_ENDED] = {"provider-ended", 550, "5.3.2",
                                   "De-Mail provider $1 no longer takes messages; send by another way",
                                   "Der De-Mail-Anbieter $1 nimmt keine Nachrichten mehr an; bitte einen anderen Weg "
                                   "waehlen"},
    [DM_REFUSAL_MIXED_ENVELOPE] = {"mixed-envelope", 550, "5.7.1",
                                   "De-Mail recipient $1 and e-mail recipient $2 in one message; send two messages",
                                   "De-Mail-Empfaenger $1 und E-Mail-Empfaenger $2 in einer Nachricht; bitte zwei "
                                   "Nachrichten senden"},
    [DM_REFUSAL_MIXED_HEADER] = {"mixed-header", 550, "5.7.1",
                                 "De-Mail recipient $1 and e-mail address $2 in To or Cc; send two messages",
                                 "De-Mail-Empfaenger $1 und E-Mail-Adresse $2 in An oder Kopie; bitte zwei Nachrichten "
                                 "senden"},
    [DM_REFUSAL_UNREADABLE_HEADER] = {"unreadable-header", 550, "5.6.0",
                                      "the $1 field can't be read as addresses; correct it",
                                      "das Feld $1 ist nicht als Adressliste lesbar; bitte korrigieren"},
    [DM_REFUSAL_UNKNOWN_TOKEN] = {"unknown-token", 550, "5.7.1",
                                  "the tag at the start of the subject holds a word that is no De-Mail option; known "
                                  "are $1",
                                  "die Marke am Anfang des Betreffs enthaelt ein Wort, das keine De-Mail-Option ist; "
                                  "bekannt sind $1"},
    [DM_REFUSAL_OPTION_VALUE] = {"option-value", 550, "5.7.1", "the value of $1 is neither yes nor no; correct it",
                                 "der Wert von $1 ist weder yes noch no; bitte korrigieren"},
    [DM_REFUSAL_OPTION_CONFLICT] =
        {"option-conflict", 550, "5.7.1", "$1 says no to option \"$2\" that the message asks for; decide for one",
         "$1 verneint die Option \"$2\", die die Nachricht verlangt; bitte eindeutig waehlen"},
    [DM_REFUSAL_OPTION_NOT_ALLOWED] = {"option-not-allowed", 550, "5.7.1",
                                       "option \"$1\" is not permitted for $2; leave it out or ask the administrator",
                                       "Option \"$1\" ist fuer $2 nicht erlaubt; bitte weglassen oder bei der "
                                       "Administration beantragen"},
    [DM_REFUSAL_PSEUDONYM] = {"pseudonym", 550, "5.7.1",
                              "option \"authoritative\" can't be used with pseudonym $1; leave it out",
                              "Option \"absenderbestaetigt\" ist mit dem Pseudonym $1 nicht moeglich; bitte weglassen"},
    [DM_REFUSAL_PRIVATE_ID] = {"private-id", 550, "5.6.0",
                               "X-de-mail-private-id is longer than 1024 characters or not plain text; shorten it",
                               "X-de-mail-private-id ist laenger als 1024 Zeichen oder kein einfacher Text; bitte "
                               "kuerzen"},
    [DM_REFUSAL_WITHOUT_DEMAIL] =
        {"without-demail", 550, "5.7.1",
         "De-Mail option \"$1\" in the subject, but no recipient is De-Mail; remove it or "
         "correct the recipients",
         "De-Mail-Option \"$1\" im Betreff, aber kein Empfaenger hat De-Mail; bitte entfernen "
         "oder die Empfaenger korrigieren"},
    [DM_REFUSAL_TOO_MANY_RECIPIENTS] = {"too-many-recipients", 550, "5.5.3",
                                        "more than 10000 De-Mail recipients; send several messages",
                                        "mehr als 10000 De-Mail-Empfaenger; bitte mehrere Nachrichten senden"},
    [DM_REFUSAL_HEADER_TOO_LARGE] =
        {"header-too-large", 550, "5.3.4", "the header is larger than 1 MiB or has over 200 De-Mail fields; shorten it",
         "der Kopf der Nachricht ist groesser als 1 MiB oder hat ueber 200 De-Mail-Felder; bitte kuerzen"},
    [DM_REFUSAL_TABLE] = {"table", 451, "4.3.5", "De-Mail can't be sent at the moment; try again later",
                          "De-Mail kann zur Zeit nicht gesendet werden; bitte spaeter erneut versuchen"},
    [DM_REFUSAL_INTERNAL] = {"internal", 451, "4.3.0", "De-Mail can't be sent at the moment; try again later",
                             "De-Mail kann zur Zeit nicht gesendet werden; bitte spaeter erneut versuchen"},
};

const char *dm_refusal_rule(DmRefusal refusal)
{
    return refusals[refusal].rule;
}

guint dm_refusal_smtp_code(DmRefusal refusal)
{
    return refusals[refusal].code;
}

const char *dm_refusal_status(DmRefusal refusal)
{
    return refusals[refusal].status;
}

static void append_word(GString *text, const char *word)
{
    gsize length = word != NULL ? strnlen(word, WORD_MAX) : 0;

    for (gsize i = 0; i < length; i++)
        g_string_append_c(text, g_ascii_isprint(word[i]) ? word[i] : '?');
}

char *dm_refusal_text(DmRefusal refusal, DmLanguage language, const char *first, const char *second)
{
    const char *pattern = language == DM_LANGUAGE_DE ? refusals[refusal].de : refusals[refusal].en;
    GString *text = g_string_new(NULL);

    for (const char *c = pattern; *c != '\0'; c++) {
        if (c[0] == '$' && (c[1] == '1' || c[1] == '2'))
            append_word(text, *++c == '1' ? first : second);
        else
            g_string_append_c(text, *c);
    }
    return g_string_free(text, FALSE);
}
