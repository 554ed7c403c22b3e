#include "tests/unit/statement_maker.h"

#include "common/demail.h"
#include "standard/statement.h"
#include "tests/unit/support.h"

#include <openssl/pem.h>
#include <string.h>

static char *write_certificate(const char *folder, X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem = NULL;

    assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    long length = BIO_get_mem_data(bio, &pem);
    g_autofree char *text = g_strndup(pem, (gsize)length);
    BIO_free(bio);
    return ts_write(folder, "anchor.pem", text);
}

DmTrust *ts_trust(const char *folder, const TsSigner *signer)
{
    g_autofree char *anchor = write_certificate(folder, signer->certificate);
    char *anchors[] = {anchor, NULL};
    DmTrust *trust = dm_trust_new(anchors, NULL, NULL);

    assert_non_null(trust);
    return trust;
}

char *ts_replace(const char *text, const char *from, const char *to)
{
    g_auto(GStrv) parts = g_strsplit(text, from, -1);

    if (parts[1] == NULL)
        fail_msg("no '%s' to be replaced", from);
    return g_strjoinv(to, parts);
}

char *ts_part(const char *type, const char *bytes)
{
    g_autofree char *text = g_base64_encode((const guchar *)bytes, strlen(bytes));

    return g_strdup_printf("Content-Type: %s\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n", type, text);
}

char *ts_message(const char *header, const char *const *parts)
{
    GString *message = g_string_new("Content-Type: multipart/mixed; boundary=b\r\n");
    g_autofree char *without_type = ts_replace(header, "Content-Type: multipart/mixed; boundary=", "X-Old: ");

    g_string_append(message, without_type);
    for (; *parts != NULL; parts++)
        g_string_append_printf(message, "--b\r\n%s", *parts);
    g_string_append(message, "--b--\r\n");
    return g_string_free(message, FALSE);
}

DmFindings *ts_judge(const DmTrust *trust, const char *message, const DmHeaders *original)
{
    const char *end = strstr(message, "\r\n\r\n");
    g_autoptr(DmHeaders) headers = dm_headers_parse(message, (gsize)(end + 2 - message), NULL);
    DmFindings *findings = dm_findings_new();
    const char *type = dm_headers_get(headers, DM_FIELD_MESSAGE_TYPE, 0);

    findings->message_type = dm_header_unfold(type);
    if (strstr(type, "identification") != NULL)
        findings->message_class = DM_CLASS_IDENTIFICATION;
    else
        findings->message_class = strstr(type, "notification") ? DM_CLASS_NOTIFICATION : DM_CLASS_CONFIRMATION;
    dm_statement_judge(headers, message, strlen(message), trust, TS_NOW, original, findings);
    return findings;
}

static char *list(const GPtrArray *words)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < words->len; i++) {
        const char *word = g_ptr_array_index(words, i);
        if (!g_str_has_prefix(word, "certificate.not-qualified") &&
            !g_str_has_prefix(word, "certificate.revocation-unknown"))
            g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", word);
    }
    return g_string_free(text, FALSE);
}

void ts_assert_findings(const DmFindings *findings, const char *reasons, const char *warnings, const char *what)
{
    g_autofree char *got = list(findings->reasons);
    g_autofree char *warned = list(findings->warnings);

    if (strcmp(got, reasons ? reasons : "") != 0)
        fail_msg("%s: '%s' instead of '%s'", what, got, reasons ? reasons : "");
    if (strcmp(warned, warnings ? warnings : "") != 0)
        fail_msg("%s: warns '%s' instead of '%s'", what, warned, warnings ? warnings : "");
}
