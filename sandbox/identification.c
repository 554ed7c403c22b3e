#include "sandbox/identification.h"

#include "common/stamp.h"
#include "sandbox/arrival.h"
#include "sandbox/identification_xml.h"
#include "sandbox/system_letter.h"
#include "standard/demail_address.h"

#define SUBJECT "Ident-Bestätigung"

static DmLetter *make_letter(DmPost *post, const DmIdentificationXml *content, const char *provider, const char *xml,
                             GError **error)
{
    g_autofree char *text =
        g_strdup_printf("Hiermit werden die folgende Identitätsdaten zur angegebenen De-Mail-Adresse bestätigt:\r\n\r\n"
                        "De-Mail-Adresse: %s\r\n",
                        content->subject);
    g_autofree char *pdf_text = g_strdup_printf("%s\r\nAussteller: %s\r\nEmpfänger: %s\r\nKennung: %s\r\n", text,
                                                content->issuer, content->audience, content->id);
    const DmSystemLetter order = {
        .type = "identification",
        .from = DM_SYSTEM_IDENTIFICATION,
        .provider = provider,
        .to = content->audience,
        .cc = content->subject,
        .subject = SUBJECT,
        .text = text,
        .xml = xml,
        .pdf_text = pdf_text,
        .file_name = "ident",
        .private_mark = TRUE,
    };
    return dm_system_letter_make(&order, post, error);
}

static gboolean send_from(DmPost *post, const char *address, const char *recipient, GError **error)
{
    DmSandbox *sandbox = dm_post_sandbox(post);
    const char *provider = dm_accounts_provider(sandbox->accounts, address);
    g_autofree char *issuer = g_strdup_printf(DM_SYSTEM_IDENTIFICATION "@%s", provider);
    g_autofree char *random = dm_stamp_new_id(error);
    if (!random)
        return FALSE;
    g_autofree char *id = g_strconcat("id-", random, NULL);
    const DmIdentificationXml content = {.id = id, .issuer = issuer, .subject = address, .audience = recipient};
    const DmXmlSigner signer = dm_seal_xml_signer(sandbox->seal, DM_CANONICAL_INCLUSIVE);
    g_autofree char *xml = dm_identification_xml(&content, &signer, error);
    DmLetter *letter = xml ? make_letter(post, &content, provider, xml, error) : NULL;
    return dm_arrival_of_system_letter(post, letter, recipient, address, error);
}

gboolean dm_identification_send(DmSandbox *sandbox, const char *address, const char *recipient, GError **error)
{
    g_autoptr(DmPost) post = dm_post_open(sandbox, error);
    if (!post || !send_from(post, address, recipient, error))
        return FALSE;
    DmCommit commit = {0};
    return dm_post_commit(post, &commit, error);
}
