/* X-de-mail-integrity in a raw header, and the readers that it is made of. */
#include "standard/integrity_field.h"

#include "standard/base64.h"
#include "standard/certificate.h"
#include "standard/demail_address.h"
#include "standard/mailbox.h"
#include "standard/tag_list.h"
#include "tests/fuzz/fuzz.h"

#define AT 1772452800 /* 2026-03-02T12:00:00Z */

void fuzz_start(void)
{
}

static void read_texts(const char *bytes, gsize length)
{
    g_autofree char *text = g_strndup(bytes, length);
    g_autoptr(GPtrArray) tags = dm_tag_list_read(bytes, length);
    g_autoptr(GBytes) decoded = dm_base64_read(text);
    g_autoptr(X509) certificate = dm_certificate_read(text);
    g_autoptr(GPtrArray) list = dm_mailbox_read_list(text);
    g_autofree char *address = dm_mailbox_read_address(text);
    g_autoptr(DmFindings) findings = dm_findings_new();

    for (guint i = 0; tags != NULL && i < tags->len; i++) {
        const DmTag *tag = g_ptr_array_index(tags, i);
        FUZZ_CHECK(tag->start <= tag->end && tag->end <= length);
    }
    if (decoded != NULL) {
        g_autofree char *folded = dm_base64_fold(g_bytes_get_data(decoded, NULL), g_bytes_get_size(decoded), 10, 64);
        g_autoptr(GBytes) again = dm_base64_read(folded);
        FUZZ_CHECK(again != NULL && g_bytes_equal(decoded, again));
    }
    if (certificate != NULL) {
        g_autofree char *subject = dm_certificate_subject(certificate);
        FUZZ_CHECK(subject == NULL || g_utf8_validate(subject, -1, NULL));
        dm_certificate_valid_at(certificate, AT);
        dm_certificate_may_sign(certificate);
        dm_certificate_is_qualified(certificate);
        dm_certificate_key_is_short(certificate);
    }
    dm_demail_address_judge(text, findings);
    if (address != NULL)
        dm_demail_address_judge(address, findings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    gsize header = 0;
    gsize end = dm_raw_header_end(bytes, size, &header);
    g_autoptr(DmFindings) findings = dm_findings_new();

    FUZZ_CHECK(header <= end && end <= size);
    g_autoptr(DmRawHeader) raw = dm_raw_header_read(bytes, size, findings);
    g_autoptr(DmIntegrityField) field = dm_integrity_field_read(raw, AT, findings);
    g_autoptr(DmHeaders) headers = dm_raw_header_decode(raw, NULL);
    FUZZ_CHECK(headers != NULL || size > DM_HEADERS_MAX / 2);
    FUZZ_CHECK(field == NULL || findings->form != DM_FORM_NONE || findings->reasons->len > 0);
    read_texts(bytes, size);
    return 0;
}
