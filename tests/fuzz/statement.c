/* The XML of confirmations, notifications and identifications, in a message around it that fits. */
#include "standard/statement.h"

#include "common/demail.h"
#include "standard/xml.h"
#include "tests/fuzz/fuzz.h"

#include <gmime/gmime.h>
#include <string.h>

#define AT 1772452800 /* 2026-03-02T12:00:00Z */

typedef struct {
    const char *file;
    DmMessageClass message_class;
    char *header; /* with another Content-Type, and the empty line that ends it */
    DmHeaders *headers;
} Frame;

static Frame frames[] = {
    {"06-confirmation-dispatch.eml", DM_CLASS_CONFIRMATION, NULL, NULL},
    {"07-confirmation-receipt.eml", DM_CLASS_CONFIRMATION, NULL, NULL},
    {"08-notification.eml", DM_CLASS_NOTIFICATION, NULL, NULL},
    {"08-notification.eml", DM_CLASS_IDENTIFICATION, NULL, NULL},
};
static DmTrust *trust;
static DmHeaders *original;

static char *read_given(const char *file, gsize *header)
{
    g_autofree char *path = g_build_filename(GIVEN_DIR, file, NULL);
    char *text = NULL;
    gsize length = 0;

    FUZZ_CHECK(g_file_get_contents(path, &text, &length, NULL));
    *header = fuzz_header_length(text, length);
    return text;
}

static void make_frame(Frame *frame)
{
    gsize header = 0;
    g_autofree char *text = read_given(frame->file, &header);
    GString *block = g_string_new("Content-Type: multipart/mixed; boundary=b\r\n");

    g_string_append_len(block, text, (gssize)header);
    frame->headers = dm_headers_parse(block->str, block->len, NULL);
    FUZZ_CHECK(frame->headers != NULL);
    g_string_append(block, "\r\n");
    frame->header = g_string_free(block, FALSE);
}

void fuzz_start(void)
{
    char *anchors[] = {(char *)GIVEN_DIR "/pki/root.pem", NULL};
    gsize header = 0;
    g_autofree char *text = read_given("01-hash-sha256.eml", &header);

    g_mime_init();
    FUZZ_CHECK(dm_xml_start(NULL));
    trust = dm_trust_new(anchors, NULL, NULL);
    original = dm_headers_parse(text, header, NULL);
    FUZZ_CHECK(trust != NULL && original != NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(frames); i++)
        make_frame(&frames[i]);
}

static void judge(const Frame *frame, const char *parts)
{
    g_autofree char *message = g_strconcat(frame->header, parts, NULL);
    g_autoptr(DmFindings) findings = dm_findings_new();

    findings->message_class = frame->message_class;
    findings->message_type = dm_header_unfold(dm_headers_get(frame->headers, DM_FIELD_MESSAGE_TYPE, 0));
    dm_statement_judge(frame->headers, message, strlen(message), trust, AT, original, findings);
    if (findings->statement == NULL)
        return;
    FUZZ_CHECK(g_utf8_validate(findings->statement->issuer, -1, NULL));
    FUZZ_CHECK(g_utf8_validate(findings->statement->text, -1, NULL));
    FUZZ_CHECK(g_utf8_validate(findings->statement->original_message_id, -1, NULL));
    FUZZ_CHECK(g_utf8_validate(findings->statement->original_rfc_id, -1, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *xml = size > 0 ? g_base64_encode(data, size) : g_strdup("");
    g_autofree char *parts =
        g_strconcat("--b\r\nContent-Type: application/xml\r\nContent-Transfer-Encoding: base64\r\n\r\n", xml,
                    "\r\n--b\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.4\r\n--b--\r\n", NULL);
    g_autoptr(xmlDoc) document = dm_xml_parse((const char *)data, size, NULL);

    if (document == NULL) {
        judge(&frames[0], parts);
        return 0;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(frames); i++)
        judge(&frames[i], parts);
    return 0;
}
