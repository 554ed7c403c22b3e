#include "sandbox/confirmation.h"

#include "common/demail.h"
#include "sandbox/confirmation_xml.h"
#include "sandbox/system_letter.h"
#include "standard/demail_address.h"

#define DATE_FORMAT "%d.%m.%Y %H:%M Uhr"

typedef struct {
    const char *type; /* X-de-mail-message-type */
    const char *word;
    const char *from; /* local part of the system address, PVD FU 4.3 */
    const char *sentence;
} Kind;

static const Kind kinds[] = {
    [DM_CONFIRM_DISPATCH] = {"confirmation of dispatch", "Versandbestätigung", DM_SYSTEM_DISPATCH,
                             "Hiermit wird bestätigt, dass die Nachricht mit den folgenden Angaben an den Empfänger "
                             "versandt wurde."},
    [DM_CONFIRM_RECEIPT] = {"confirmation of receipt", "Eingangsbestätigung", DM_SYSTEM_RECEIPT,
                            "Hiermit wird bestätigt, dass die Nachricht mit den folgenden Angaben im Postfach des "
                            "Empfängers abgelegt wurde."},
    [DM_CONFIRM_RETRIEVE] = {"confirmation of retrieve", "Abholbestätigung", DM_SYSTEM_RETRIEVE,
                             "Hiermit wird bestätigt, dass sich der Empfänger der Nachricht mit den folgenden Angaben "
                             "an seinem De-Mail-Konto sicher angemeldet hat."},
    [DM_CONFIRM_MALWARE] = {"malware-acknowledge", "Schadsoftware", DM_SYSTEM_MALWARE,
                            "In der Nachricht mit den folgenden Angaben wurde Schadsoftware gefunden. Sie wurde dem "
                            "Empfänger nicht zugestellt; von einer Kenntnisnahme kann nicht ausgegangen werden."},
};

static char *decoded(const DmLetter *letter, const char *name)
{
    const char *value = dm_headers_get(letter->headers, name, 0);
    return dm_header_decode(value ? value : "");
}

static char *without_blanks(const DmLetter *letter, const char *name)
{
    const char *value = dm_headers_get(letter->headers, name, 0);
    GString *text = g_string_new(NULL);
    for (const char *c = value ? value : ""; *c; c++) {
        if (!g_ascii_isspace(*c))
            g_string_append_c(text, *c);
    }
    return g_string_free(text, FALSE);
}

/* Step 56 wants it said which confirmations were asked for and do not come. */
static void append_requested(GString *text, guint options)
{
    const struct {
        guint option;
        DmConfirmationKind kind;
    } confirmations[] = {{DM_OPTION_DISPATCH, DM_CONFIRM_DISPATCH},
                         {DM_OPTION_RECEIPT, DM_CONFIRM_RECEIPT},
                         {DM_OPTION_RETRIEVE, DM_CONFIRM_RETRIEVE}};
    g_string_append(text, "Angefordert:");
    for (gsize i = 0; i < G_N_ELEMENTS(confirmations); i++) {
        if (options & confirmations[i].option)
            g_string_append_printf(text, " %s", kinds[confirmations[i].kind].word);
    }
    g_string_append(text, "\r\n");
}

static void append_times(GString *text, const DmConfirmation *c)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *date = g_date_time_format(now, DATE_FORMAT);
    if (c->kind == DM_CONFIRM_RETRIEVE) {
        g_autoptr(GDateTime) delivered = g_date_time_new_from_unix_local(c->delivered);
        g_autofree char *delivery_date = g_date_time_format(delivered, DATE_FORMAT);
        g_string_append_printf(text, "Zeitpunkt des Eingangs der Nachricht: %s\r\n", delivery_date);
    }
    g_string_append_printf(text, "Datum: %s\r\n", date);
}

static char *make_text(const DmConfirmation *c, const char *subject)
{
    g_autofree char *message_id = decoded(c->original, DM_FIELD_MESSAGE_ID);
    g_autofree char *checksum = without_blanks(c->original, DM_FIELD_INTEGRITY);
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "%s\r\n\r\nAbsender: %s\r\nEmpfänger: %s\r\n", kinds[c->kind].sentence,
                           c->original->sender, c->about);
    append_times(text, c);
    if (c->kind == DM_CONFIRM_MALWARE)
        append_requested(text, c->original->options);
    g_string_append_printf(text,
                           "Betreff: %s\r\nNachrichten-ID: %s\r\nPrüfsumme: %s\r\n\r\n"
                           "Die Bestätigung erfolgte durch den Test-Anbieter %s https://%s/\r\n",
                           subject, message_id, checksum, c->provider, c->provider);
    return g_string_free(text, FALSE);
}

static DmLetter *send_as(const DmConfirmation *c, const char *subject, const char *text, const char *xml, DmPost *post,
                         GError **error)
{
    const Kind *kind = &kinds[c->kind];
    g_autofree char *metadata = dm_confirmation_metadata_text(c->original->headers);
    g_autofree char *pdf_text = g_strconcat(text, "\r\nMetadaten der Nachricht:\r\n", metadata, NULL);
    const DmSystemLetter order = {
        .type = kind->type,
        .from = kind->from,
        .provider = c->provider,
        .to = c->original->answer_to,
        .cc = c->kind == DM_CONFIRM_DISPATCH ? NULL : c->about,
        .subject = subject,
        .text = text,
        .xml = xml,
        .pdf_text = pdf_text,
        .file_name = "bestaetigung",
        .private_id = c->original->private_id,
        .private_mark = c->kind == DM_CONFIRM_RETRIEVE || (c->original->options & DM_OPTION_PRIVATE),
    };
    return dm_system_letter_make(&order, post, error);
}

DmLetter *dm_confirmation_make(const DmConfirmation *c, DmPost *post, GError **error)
{
    const Kind *kind = &kinds[c->kind];
    g_autofree char *original_subject = decoded(c->original, "Subject");
    g_autofree char *subject = g_strdup_printf("*%s* %s", kind->word, original_subject);
    g_autofree char *xml_subject = g_strdup_printf("%s: %s", kind->word, original_subject);
    g_autofree char *text = make_text(c, original_subject);
    g_autofree char *from = g_strdup_printf("%s@%s", kind->from, c->provider);
    const DmConfirmationXml content = {
        .original = c->original->headers,
        .sender = from,
        .subject = xml_subject,
        .text = text,
        .delivered = c->kind == DM_CONFIRM_RETRIEVE ? c->delivered : 0,
    };
    const DmXmlSigner signer = dm_seal_xml_signer(dm_post_sandbox(post)->seal, DM_CANONICAL_EXCLUSIVE);
    g_autofree char *xml = dm_confirmation_xml(&content, &signer, error);
    return xml ? send_as(c, subject, text, xml, post, error) : NULL;
}
